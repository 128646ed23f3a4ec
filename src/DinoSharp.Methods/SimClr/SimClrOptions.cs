using DinoSharp.Models.Heads;
using DinoSharp.Training;

namespace DinoSharp.Methods.SimClr;

/// <summary>Settings of SimCLR; the defaults are the published ones (arXiv 2002.05709, sections 2 and 5).</summary>
public sealed record SimClrOptions : MethodOptions
{
    [Setting("width of the hidden layer of the projector")]
    public int HiddenDim { get; init; } = 2048;

    [Setting("length of a projection")]
    public int ProjectionDim { get; init; } = 128;

    [Setting("temperature of the loss: lower ones look at the most similar images more")]
    public double Temperature { get; init; } = 0.1;

    /// <summary>The shape of the projector; the last batch norm is that of the authors' code.</summary>
    internal MlpHeadOptions Head => new() { Layers = 2, HiddenDim = HiddenDim, OutputDim = ProjectionDim, NormalizedOutput = true };

    public override TrainingMethod Create(MethodSetup setup) => new SimClrMethod(this, setup);

    public override void Validate()
    {
        Head.Validated();
        if (Temperature is not (> 0 and < double.PositiveInfinity))
        {
            throw new ArgumentException($"the temperature must be above 0, not {Temperature}");
        }
    }
}
