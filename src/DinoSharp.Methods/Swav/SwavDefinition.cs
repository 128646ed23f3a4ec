using DinoSharp.Data;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Methods.Swav;

/// <summary>
/// SwAV's settings: as published for ResNet-50 at batches of 4,096 and 256 (arXiv 2006.09882, appendix A, and its code); for
/// transformers the loop's are those that DINO was published with for ViT-S (arXiv 2104.14294), the method's SwAV's; and fitted.
/// </summary>
public sealed class SwavDefinition : MethodDefinition
{
    /// <summary>From this batch size on, no queue is needed and the rate is the one for large batches.</summary>
    private const int LargeBatch = 1024;

    private const int SmallBatchQueue = 3840;

    /// <summary>
    /// Well above the 128 numbers of a projection: with no more prototypes than numbers there is a projection that is alike to all of them, and on
    /// CIFAR-10 every image had it within a hundred steps (docs/methods/swav.md).
    /// </summary>
    private const int LeastPrototypes = 512;

    public override string Name => "swav";

    public override string Title => "SwAV";

    public override string Paper => "arXiv 2006.09882";

    public override MethodSettings Published(bool transformer) => new(new SwavOptions(), PublishedTraining(transformer), PublishedViews);

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting)
    {
        var options = (SwavOptions)published.Method;
        options = options with
        {
            Prototypes = fitting.Choose(
                "--prototypes", options.Prototypes, FittedPrototypes(fitting.Facts.Images, options.Prototypes), "a hundred images a prototype"),
        };
        options = options with { SinkhornEpsilon = FittedEpsilon(options, (SwavOptions)published.Method, fitting) };
        if (fitting.Facts.BatchSize < LargeBatch)
        {
            options = options with
            {
                FeatureQueue = fitting.Choose(
                    "--feature-queue", options.FeatureQueue, FittedQueue(options, fitting.Facts), "a small batch cannot use all prototypes equally by itself"),
            };
        }

        return new(options, FittedTraining(published.Training, fitting), fitting.Views(published.Views));
    }

    /// <summary>Two global and six local crops with the strong colour changes of SimCLR.</summary>
    internal static MultiCropOptions PublishedViews { get; } = new()
    {
        LocalCount = 6,
        GlobalScale = new(0.14, 1),
        LocalScale = new(0.05, 0.14),
        Brightness = 0.8,
        Contrast = 0.8,
        Saturation = 0.8,
        Hue = 0.2,
        FirstGlobalBlurProbability = 0.5,
        SecondGlobalBlurProbability = 0.5,
        SolarizeProbability = 0,
    };

    internal static TrainingOptions PublishedTraining(bool transformer) => transformer
        ? new TrainingOptions { Epochs = 300, BatchSize = 1024 }
        : new TrainingOptions
        {
            Epochs = 800,
            BatchSize = 4096,
            Optimizer = OptimizerKind.Lars,
            LearningRate = 0.3,
            MinLearningRate = 0.0048,
            WeightDecay = 1e-6,
            WeightDecayEnd = 1e-6,
            ClipGradient = 0,
        };

    /// <summary>Prototypes of a hundred images each, as many as a projection of 128 numbers needs, or the published number.</summary>
    internal static int FittedPrototypes(int images, int published) => Math.Min(Math.Max(images / 100, LeastPrototypes), published);

    /// <summary>
    /// None where the training ends before the epoch in which it begins: projections of a network that still changes fast are unlike the batch's,
    /// and assigned along with them all images of the batch get the prototypes that are left (docs/methods/swav.md).
    /// </summary>
    private static int FittedQueue(SwavOptions options, TrainingFacts facts)
    {
        int most = Math.Min(SmallBatchQueue, facts.Images / 20);
        return options.Prototypes > facts.BatchSize && most >= facts.BatchSize && facts.Epochs > options.FeatureQueueEpoch ? most : 0;
    }

    /// <summary>With fewer prototypes, assignments as soft as published need twice the time to tell images apart (docs/methods/swav.md).</summary>
    private static double FittedEpsilon(SwavOptions options, SwavOptions published, Fitting fitting) => fitting.Choose(
        "--sinkhorn-epsilon",
        published.SinkhornEpsilon,
        options.Prototypes < published.Prototypes ? 0.03 : published.SinkhornEpsilon,
        "softer assignments to few prototypes take long to tell images apart");

    /// <summary>For small batches the rates that SwAV's code has for 256 images.</summary>
    internal static TrainingOptions FittedTraining(TrainingOptions published, Fitting fitting)
    {
        const string why = "published for batches of 256";
        return published.Optimizer != OptimizerKind.Lars || fitting.Facts.Optimizer is not (null or OptimizerKind.Lars)
            ? fitting.Training(published)
            : fitting.Facts.BatchSize >= LargeBatch ? published : published with
            {
                LearningRate = fitting.Choose("--lr", published.LearningRate, 0.6, why),
                MinLearningRate = fitting.Choose("--min-lr", published.MinLearningRate, 0.0006, why),
            };
    }
}
