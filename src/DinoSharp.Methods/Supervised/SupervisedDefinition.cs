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

    public override string Name => "supervised";

    public override string Title => "Supervised";

    public override string Paper => "arXiv 2012.12877";

    public override bool NeedsLabels => true;

    public override double DropPathRate => 0.1;

    /// <summary>One plain crop, and the optimizer and rates of training with labels.</summary>
    internal static MethodSettings Of(MethodOptions method, bool transformer) => new(
        method,
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
            },
        PlainCrop.Published);

    public override MethodSettings Published(bool transformer) => Of(
        transformer
            ? new SupervisedOptions()
            : new SupervisedOptions { LabelSmoothing = 0, MixupAlpha = 0, CutMixAlpha = 0, EraseProbability = 0, RandAugmentMagnitude = 0 },
        transformer);

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting)
    {
        var options = (SupervisedOptions)published.Method;
        double epochs = (double)fitting.Facts.Steps * fitting.Facts.BatchSize / fitting.Facts.Images;
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

        return published with { Method = options, Training = fitting.Training(published.Training) };
    }
}
