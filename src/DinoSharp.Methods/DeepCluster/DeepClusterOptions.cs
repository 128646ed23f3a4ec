using DinoSharp.Models.Heads;
using DinoSharp.Training;

namespace DinoSharp.Methods.DeepCluster;

/// <summary>Settings of DeepCluster-v2; the defaults are the published ones (arXiv 2006.09882, appendix, and its code).</summary>
public sealed record DeepClusterOptions : MethodOptions
{
    [Setting("width of the projection head's hidden layer")]
    public int HiddenDim { get; init; } = 2048;

    [Setting("length of a projection")]
    public int ProjectionDim { get; init; } = 128;

    [Setting("clusters of a clustering")]
    public int Prototypes { get; init; } = 3000;

    [Setting("clusterings made side by side before each epoch")]
    public int Clusterings { get; init; } = 3;

    [Setting("how often k-means moves its centroids")]
    public int KmeansIterations { get; init; } = 10;

    [Setting("temperature of the predicted clusters")]
    public double PrototypeTemperature { get; init; } = 0.1;

    /// <summary>The shape of the projection head.</summary>
    internal MlpHeadOptions Head => new() { Layers = 2, HiddenDim = HiddenDim, OutputDim = ProjectionDim };

    public override TrainingMethod Create(MethodSetup setup) => new DeepClusterMethod(this, setup);

    public override void Validate()
    {
        Head.Validated();
        string? fault =
            Prototypes < 2 ? $"images need at least 2 clusters to be told apart by, not {Prototypes}" :
            Clusterings < 1 ? $"there must be at least 1 clustering, not {Clusterings}" :
            KmeansIterations < 1 ? $"k-means needs at least 1 iteration, not {KmeansIterations}" :
            PrototypeTemperature is not > 0 ? $"the temperature of the predictions must be above 0, not {PrototypeTemperature}" : null;
        if (fault is not null)
        {
            throw new ArgumentException(fault);
        }
    }
}
