using DinoSharp.Models.Heads;
using DinoSharp.Training;

namespace DinoSharp.Methods.Byol;

/// <summary>Settings of BYOL; the defaults are the published ones (arXiv 2006.07733, section 3.3).</summary>
public sealed record ByolOptions : MethodOptions
{
    [Setting("width of the hidden layer of projector and predictor")]
    public int HiddenDim { get; init; } = 4096;

    [Setting("length of a projection")]
    public int ProjectionDim { get; init; } = 256;

    [Setting("momentum of the target network at the start; it goes to 1")]
    public double TargetMomentum { get; init; } = 0.996;

    /// <summary>The shape of projector and predictor.</summary>
    internal MlpHeadOptions Head => new() { Layers = 2, HiddenDim = HiddenDim, OutputDim = ProjectionDim };

    public override TrainingMethod Create(MethodSetup setup) => new ByolMethod(this, setup);

    public override void Validate()
    {
        Head.Validated();
        if (TargetMomentum is not (>= 0 and <= 1))
        {
            throw new ArgumentException($"the target's momentum must be in [0, 1], not {TargetMomentum}");
        }
    }
}
