using System.Globalization;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Methods.Supervised;

/// <summary>
/// Training with labels: for transformers as DeiT (arXiv 2012.12877, table 9), for ResNets as is usual since arXiv 1706.02677, whose
/// learning rate falls in three stairs where ours follows a cosine.
/// </summary>
public sealed class SupervisedDefinition : MethodDefinition
{
    /// <summary>Below so many epochs a network does not see its images often enough to learn them by heart.</summary>
    private const int FewEpochs = 100;

    /// <summary>Views of each image in a batch of DeiT's.</summary>
    private const int PublishedRepeats = 3;

    public override string Name => "supervised";

    public override string Title => "Supervised";

    public override string Paper => "arXiv 2012.12877";

    public override bool NeedsLabels => true;

    public override double DropPathRate => 0.1;

    /// <summary>One plain crop, and the optimizer and rates of training with labels.</summary>
    internal static MethodSettings Of(MethodOptions method, bool transformer) => new(method, Rates(transformer), PlainCrop.Published);

    /// <summary>Of training with one view of each image in a batch.</summary>
    private static TrainingOptions Rates(bool transformer) =>
        transformer
            ? new TrainingOptions
            {
                Epochs = 300,
                BatchSize = 1024,
                Optimizer = OptimizerKind.AdamW,
                LearningRate = 2.5e-4, // 5e-4 for a batch of 512
                MinLearningRate = 1e-5,
                WarmupEpochs = 5,
                WeightDecay = 0.05,
                WeightDecayEnd = 0.05,
                ClipGradient = 0,
            }
            : new TrainingOptions
            {
                Epochs = 90,
                BatchSize = 256,
                Optimizer = OptimizerKind.Sgd,
                LearningRate = 0.1,
                MinLearningRate = 0,
                WarmupEpochs = 5,
                WeightDecay = 1e-4,
                WeightDecayEnd = 1e-4,
                ClipGradient = 0,
            };

    /// <summary>
    /// DeiT's batches hold three views of each image, and so its epochs of as many steps see a third of the images: a batch of 1,024 views is one of
    /// 342 images here, 300 of its epochs are 100, and the rate of a batch of so many images is three times as high.
    /// </summary>
    public override MethodSettings Published(bool transformer)
    {
        if (!transformer)
        {
            return Of(
                new SupervisedOptions { LabelSmoothing = 0, MixupAlpha = 0, CutMixAlpha = 0, EraseProbability = 0, RandAugmentMagnitude = 0 }, transformer);
        }

        var settings = Of(new SupervisedOptions { Repeats = PublishedRepeats }, transformer);
        var rates = settings.Training;
        return settings with
        {
            Training = rates with
            {
                Epochs = rates.Epochs / PublishedRepeats,
                WarmupEpochs = rates.WarmupEpochs / PublishedRepeats,
                BatchSize = (rates.BatchSize + PublishedRepeats - 1) / PublishedRepeats,
                LearningRate = rates.LearningRate * PublishedRepeats,
            },
        };
    }

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting)
    {
        var options = (SupervisedOptions)published.Method;
        var training = published.Training;
        if (options.Repeats > 1)
        {
            training = training with
            {
                LearningRate = Rates(fitting.Facts.Transformer).LearningRate,
                WarmupEpochs = training.WarmupEpochs * options.Repeats,
            };
            options = options with { Repeats = fitting.Choose("--repeats", options.Repeats, 1, "a step sees more images, at a rate for one view of each") };
        }

        double epochs = fitting.Facts.Epochs;
        if (epochs < FewEpochs)
        {
            string why = string.Create(CultureInfo.InvariantCulture, $"{epochs:F0} epochs are too few to learn mixed images");
            options = options with
            {
                MixupAlpha = fitting.Choose("--mixup-alpha", options.MixupAlpha, 0, why),
                CutMixAlpha = fitting.Choose("--cut-mix-alpha", options.CutMixAlpha, 0, why),
                EraseProbability = fitting.Choose("--erase-probability", options.EraseProbability, 0, why),
            };
        }

        return published with { Method = options, Training = fitting.Training(training) };
    }
}
