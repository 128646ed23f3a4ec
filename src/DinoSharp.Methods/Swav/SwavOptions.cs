using DinoSharp.Models.Heads;
using DinoSharp.Training;

namespace DinoSharp.Methods.Swav;

/// <summary>Settings of SwAV; the defaults are the published ones for large batches (arXiv 2006.09882, appendix A).</summary>
public sealed record SwavOptions : MethodOptions
{
    [Setting("width of the projection head's hidden layer")]
    public int HiddenDim { get; init; } = 2048;

    [Setting("length of a projection")]
    public int ProjectionDim { get; init; } = 128;

    [Setting("prototypes that images are assigned to")]
    public int Prototypes { get; init; } = 3000;

    [Setting("temperature of the predicted assignments")]
    public double PrototypeTemperature { get; init; } = 0.1;

    [Setting("how soft assignments are; the smaller, the nearer to one prototype an image")]
    public double SinkhornEpsilon { get; init; } = 0.05;

    [Setting("scalings that make assignments use all prototypes equally")]
    public int SinkhornIterations { get; init; } = 3;

    [Setting("epochs at the start in which the prototypes stay as they are")]
    public int FreezePrototypesEpochs { get; init; } = 1;

    [Setting("earlier projections that are assigned along with a batch; 0: none, for large batches")]
    public int FeatureQueue { get; init; }

    [Setting("epoch in which the queue of projections begins to fill")]
    public int FeatureQueueEpoch { get; init; } = 15;

    /// <summary>The shape of the projection head.</summary>
    internal MlpHeadOptions Head => new() { Layers = 2, HiddenDim = HiddenDim, OutputDim = ProjectionDim };

    public override TrainingMethod Create(MethodSetup setup) => new SwavMethod(this, setup);

    public override void Validate()
    {
        Head.Validated();
        string? fault =
            Prototypes < 2 ? $"images need at least 2 prototypes to be told apart by, not {Prototypes}" :
            PrototypeTemperature is not > 0 ? $"the temperature of the predictions must be above 0, not {PrototypeTemperature}" :
            SinkhornEpsilon is not > 0 ? $"the softness of assignments must be above 0, not {SinkhornEpsilon}" :
            SinkhornIterations < 1
                ? $"assignments need at least 1 iteration, not {SinkhornIterations}: without one all images may share a prototype" :
            FreezePrototypesEpochs < 0 || FeatureQueueEpoch < 0 ? "numbers of epochs cannot be negative" :
            FeatureQueue < 0 ? $"a queue cannot hold {FeatureQueue} projections" : null;
        if (fault is not null)
        {
            throw new ArgumentException(fault);
        }
    }
}
