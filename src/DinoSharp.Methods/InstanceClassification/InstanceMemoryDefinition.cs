using DinoSharp.Data;
using DinoSharp.Methods.MocoV3;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Methods.InstanceClassification;

/// <summary>
/// Settings of instance discrimination: for ResNets those of the paper and its code (arXiv 1805.01978), whose learning rate falls in two
/// stairs where ours follows a cosine; for transformers, for which there are none, optimizer and rates of MoCo v3.
/// </summary>
public sealed class InstanceMemoryDefinition : MethodDefinition
{
    /// <summary>
    /// Up to here the softmax over all images costs no more than drawing 4,096 for each of a batch, which is bound by memory. The paper takes
    /// it for CIFAR-10, where it is a little better (table 1).
    /// </summary>
    private const int FewImages = 100_000;

    public override string Name => "instance-memory";

    public override string Title => "Instance discrimination";

    public override string Paper => "arXiv 1805.01978";

    public override MethodSettings Published(bool transformer) => new(
        new InstanceMemoryOptions(),
        transformer ? MocoV3Definition.Transformer : new TrainingOptions
        {
            Epochs = 200,
            BatchSize = 256,
            Optimizer = OptimizerKind.Sgd,
            LearningRate = 0.03,
            MinLearningRate = 0,
            WarmupEpochs = 0,
            WeightDecay = 1e-4,
            WeightDecayEnd = 1e-4,
            ClipGradient = 0,
        },
        new MultiCropOptions
        {
            GlobalCount = 1,
            LocalCount = 0,
            GlobalScale = new(0.2, 1),
            JitterProbability = 1,
            Saturation = 0.4,
            Hue = 0.4,
            FirstGlobalBlurProbability = 0,
            SolarizeProbability = 0,
        });

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting)
    {
        var options = (InstanceMemoryOptions)published.Method;
        return published with
        {
            Method = fitting.Facts.Images > FewImages
                ? options
                : options with { Negatives = fitting.Choose("--negatives", options.Negatives, 0, "of so few images the softmax over all is no dearer") },
            Training = fitting.Training(published.Training),
            Views = fitting.Views(published.Views),
        };
    }
}
