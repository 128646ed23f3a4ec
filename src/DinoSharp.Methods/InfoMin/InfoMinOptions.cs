using DinoSharp.Data;
using DinoSharp.Methods.MocoV2;
using DinoSharp.Models.Heads;
using DinoSharp.Training;

namespace DinoSharp.Methods.InfoMin;

/// <summary>Settings of InfoMin; the defaults are the published ones (arXiv 2005.10243 and its code).</summary>
public sealed record InfoMinOptions : MethodOptions
{
    /// <summary>How far the strengths of RandAugment's operations vary, and the chance of each.</summary>
    private const double MagnitudeDeviation = 0.5, OperationProbability = 0.5;

    [Setting("keys of earlier images to tell an image from; whole batches")]
    public int QueueSize { get; init; } = 65536;

    [Setting("momentum of the key encoder")]
    public double KeyMomentum { get; init; } = 0.999;

    [Setting("temperature of the loss: lower ones look at the most similar keys more")]
    public double Temperature { get; init; } = 0.15;

    [Setting("share of the jigsaw in the loss")]
    public double JigsawWeight { get; init; } = 0.5;

    [Setting("width of the hidden layer of both heads")]
    public int HiddenDim { get; init; } = 2048;

    [Setting("length of a query and of a key")]
    public int ProjectionDim { get; init; } = 128;

    [Setting("groups that a batch is cut into for batch norm, the keys' images shuffled between them")]
    public int NormGroups { get; init; } = 8;

    [Setting("operations that RandAugment does on a view")]
    public int RandAugmentOperations { get; init; } = 2;

    [Setting("strength of RandAugment's operations; 10 is the end of their ranges")]
    public double RandAugmentMagnitude { get; init; } = 10;

    /// <summary>The shape of the projector, and of the jigsaw's head for each piece.</summary>
    internal MlpHeadOptions Head => new() { Layers = 2, HiddenDim = HiddenDim, OutputDim = ProjectionDim, BatchNorm = false };

    private RandAugmentOptions RandAugment => new()
    {
        Operations = RandAugmentOperations,
        Magnitude = RandAugmentMagnitude,
        MagnitudeDeviation = MagnitudeDeviation,
        Probability = OperationProbability,
    };

    public override TrainingMethod Create(MethodSetup setup) => new InfoMinMethod(this, setup);

    public override IViewRecipe Recipe(MultiCropOptions views) => new InfoMinRecipe(views, RandAugment);

    public override void Validate()
    {
        Head.Validated();
        RandAugment.Validated();
        QueueSettings.Check(QueueSize, KeyMomentum, Temperature, NormGroups);
        if (JigsawWeight is not (>= 0 and <= 1))
        {
            throw new ArgumentException($"the jigsaw's share of the loss must be in [0, 1], not {JigsawWeight}");
        }
    }
}
