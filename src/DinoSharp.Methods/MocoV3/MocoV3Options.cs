using DinoSharp.Models.Heads;
using DinoSharp.Training;

namespace DinoSharp.Methods.MocoV3;

/// <summary>Settings of MoCo v3; the defaults are the published ones for transformers (arXiv 2104.02057, sections 3 and 4).</summary>
public sealed record MocoV3Options : MethodOptions
{
    [Setting("linear layers of the projector")]
    public int ProjectorLayers { get; init; } = 3;

    [Setting("width of the hidden layers of projector and predictor")]
    public int HiddenDim { get; init; } = 4096;

    [Setting("length of a query and of a key")]
    public int ProjectionDim { get; init; } = 256;

    [Setting("momentum of the key encoder at the start; it goes to 1")]
    public double KeyMomentum { get; init; } = 0.99;

    [Setting("temperature of the loss: lower ones look at the most similar keys more")]
    public double Temperature { get; init; } = 0.2;

    [Setting("whether a transformer's patch embedding stays as it starts, which steadies the training")]
    public bool FrozenPatches { get; init; } = true;

    /// <summary>The shape of the projector.</summary>
    internal MlpHeadOptions Projector =>
        new() { Layers = ProjectorLayers, HiddenDim = HiddenDim, OutputDim = ProjectionDim, NormalizedOutput = true };

    /// <summary>The shape of the predictor. The authors' code ends a transformer's with batch norm, and a ResNet's without.</summary>
    internal MlpHeadOptions Predictor(bool transformer) => Projector with { Layers = 2, NormalizedOutput = transformer, FinalBias = false };

    public override TrainingMethod Create(MethodSetup setup) => new MocoV3Method(this, setup);

    public override void Validate()
    {
        Projector.Validated();
        string? fault =
            KeyMomentum is not (>= 0 and <= 1) ? $"the key encoder's momentum must be in [0, 1], not {KeyMomentum}" :
            Temperature is not (> 0 and < double.PositiveInfinity) ? $"the temperature must be above 0, not {Temperature}" : null;
        if (fault is not null)
        {
            throw new ArgumentException(fault);
        }
    }
}
