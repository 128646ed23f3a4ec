using DinoSharp.Models.Heads;
using DinoSharp.Training;

namespace DinoSharp.Methods.InstanceClassification;

/// <summary>Settings of parametric instance classification; the defaults are those of the code of arXiv 2006.14618.</summary>
public sealed record InstanceOptions : MethodOptions
{
    [Setting("how an output is compared with the weights of an image")]
    public InstanceSimilarity Similarity { get; init; } = InstanceSimilarity.Cosine;

    [Setting("temperature of the cosine")]
    public double Temperature { get; init; } = 0.2;

    [Setting("linear layers between the backbone and the classifier")]
    public int ProjectionLayers { get; init; } = 2;

    [Setting("width of the projection's hidden layer")]
    public int HiddenDim { get; init; } = 2048;

    [Setting("length of an output, and of the weights of each image")]
    public int ProjectionDim { get; init; } = 128;

    /// <summary>Every image is judged by itself.</summary>
    public override bool Accumulates => true;

    /// <summary>The shape of the projection.</summary>
    internal MlpHeadOptions Head => new() { Layers = ProjectionLayers, HiddenDim = HiddenDim, OutputDim = ProjectionDim, BatchNorm = false };

    public override TrainingMethod Create(MethodSetup setup) => new InstanceMethod(this, setup);

    public override void Validate()
    {
        Head.Validated();
        if (!(Temperature > 0))
        {
            throw new ArgumentException($"the temperature must be above 0, not {Temperature}");
        }
    }
}
