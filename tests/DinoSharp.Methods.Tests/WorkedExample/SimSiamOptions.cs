using DinoSharp.Models.Heads;
using DinoSharp.Training;

namespace DinoSharp.Methods.SimSiam;

/// <summary>Settings of SimSiam; the defaults are the published ones (arXiv 2011.10566, section 3).</summary>
public sealed record SimSiamOptions : MethodOptions
{
    [Setting("length of a projection")]
    public int ProjectionDim { get; init; } = 2048;

    [Setting("width of the predictor's hidden layer")]
    public int PredictorDim { get; init; } = 512;

    internal MlpHeadOptions Projector =>
        new() { Layers = 3, HiddenDim = ProjectionDim, OutputDim = ProjectionDim, NormalizedOutput = true };

    internal MlpHeadOptions Predictor => new() { Layers = 2, HiddenDim = PredictorDim, OutputDim = ProjectionDim };

    public override TrainingMethod Create(MethodSetup setup) => new SimSiamMethod(this, setup);

    public override void Validate()
    {
        Projector.Validated();
        Predictor.Validated();
    }
}
