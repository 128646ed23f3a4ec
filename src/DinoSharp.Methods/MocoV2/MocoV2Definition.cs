using DinoSharp.Data;
using DinoSharp.Methods.MocoV3;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Methods.MocoV2;

/// <summary>
/// MoCo v2's settings: as published for ResNet-50 (arXiv 2003.04297 and its code), and fitted. For transformers its paper has none: the
/// rates are those of MoCo v3 (arXiv 2104.02057) at a batch that the queue makes large enough.
/// </summary>
public sealed class MocoV2Definition : MethodDefinition
{
    public override string Name => "moco-v2";

    public override string Title => "MoCo v2";

    public override string Paper => "arXiv 2003.04297";

    public override MethodSettings Published(bool transformer) => new(new MocoV2Options(), Training(transformer), Views);

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting)
    {
        var options = (MocoV2Options)published.Method;
        return new(
            options with
            {
                QueueSize = QueueSettings.Queue(options.QueueSize, fitting),
                KeyMomentum = fitting.Momentum("--key-momentum", options.KeyMomentum, QueueSettings.LeastMomentum),
                NormGroups = QueueSettings.Groups(options.NormGroups, fitting),
            },
            fitting.Training(published.Training),
            fitting.Views(published.Views));
    }

    /// <summary>Both views are made alike.</summary>
    internal static MultiCropOptions Views => new()
    {
        GlobalScale = new(0.2, 1),
        LocalCount = 0,
        Saturation = 0.4,
        FirstGlobalBlurProbability = 0.5,
        SecondGlobalBlurProbability = 0.5,
        SolarizeProbability = 0,
    };

    internal static TrainingOptions Training(bool transformer) => transformer
        ? MocoV3Definition.Transformer with { BatchSize = 1024 }
        : new()
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
        };
}
