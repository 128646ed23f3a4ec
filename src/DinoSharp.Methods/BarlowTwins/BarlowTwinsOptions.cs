using DinoSharp.Models.Heads;
using DinoSharp.Training;

namespace DinoSharp.Methods.BarlowTwins;

/// <summary>Settings of Barlow Twins; the defaults are the published ones (arXiv 2103.03230, section 2.2, and its code).</summary>
public sealed record BarlowTwinsOptions : MethodOptions
{
    [Setting("width of the projector's hidden layers")]
    public int HiddenDim { get; init; } = 8192;

    [Setting("length of a projection; the loss decorrelates its coordinates")]
    public int ProjectionDim { get; init; } = 8192;

    [Setting("weight of the correlations off the diagonal (lambda)")]
    public double RedundancyWeight { get; init; } = 0.005;

    /// <summary>
    /// The code's rates for weights and for biases and norms are 0.2 and 0.0048. LARS makes a weight's step as long whatever the size of
    /// the loss, but leaves parameters of one dimension as they are, whose steps this keeps in bounds.
    /// </summary>
    [Setting("learning rate of biases and norms over that of weights")]
    public double BiasRateScale { get; init; } = 0.024;

    /// <summary>The shape of the projector.</summary>
    internal MlpHeadOptions Projector => new() { Layers = 3, HiddenDim = HiddenDim, OutputDim = ProjectionDim, FinalBias = false };

    public override TrainingMethod Create(MethodSetup setup) => new BarlowTwinsMethod(this, setup);

    public override void Validate()
    {
        Projector.Validated();
        string? fault =
            ProjectionDim < 2 ? $"there is nothing to decorrelate in projections of {ProjectionDim} coordinates: take 2 or more" :
            RedundancyWeight is not (>= 0 and <= 1) ? $"the weight of redundancy must be in [0, 1], not {RedundancyWeight}" :
            BiasRateScale is not (> 0 and <= 1) ? $"the rate of biases over that of weights must be in (0, 1], not {BiasRateScale}" : null;
        if (fault is not null)
        {
            throw new ArgumentException(fault);
        }
    }
}
