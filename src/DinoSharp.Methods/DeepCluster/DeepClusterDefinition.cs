using DinoSharp.Methods.Swav;

namespace DinoSharp.Methods.DeepCluster;

/// <summary>
/// DeepCluster-v2's settings: as published for ResNet-50 (arXiv 2006.09882, appendix, and its code), where the loop's and the views are
/// those of SwAV; so they are for transformers, which the paper does not train; and fitted.
/// </summary>
public sealed class DeepClusterDefinition : MethodDefinition
{
    public override string Name => "deepcluster-v2";

    public override string Title => "DeepCluster-v2";

    public override string Paper => "arXiv 2006.09882";

    public override MethodSettings Published(bool transformer) =>
        new(new DeepClusterOptions(), SwavDefinition.PublishedTraining(transformer), SwavDefinition.PublishedViews);

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting)
    {
        var options = (DeepClusterOptions)published.Method;
        int images = fitting.Facts.Images;
        int clusters = Math.Clamp(images / 20, 2, SwavDefinition.FittedPrototypes(images, options.Prototypes));
        return new(
            options with { Prototypes = fitting.Choose("--prototypes", options.Prototypes, clusters, "twenty images a cluster or more") },
            SwavDefinition.FittedTraining(published.Training, fitting),
            fitting.Views(published.Views));
    }
}
