using DinoSharp.Data;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Methods.MocoV3;

/// <summary>MoCo v3's settings: as published for transformers and for ResNet-50 (arXiv 2104.02057 and its code), and fitted.</summary>
public sealed class MocoV3Definition : MethodDefinition
{
    public override string Name => "moco-v3";

    public override string Title => "MoCo v3";

    public override string Paper => "arXiv 2104.02057";

    public override bool ZeroInitResidual => true;

    public override MethodSettings Published(bool transformer) => transformer
        ? new(
            new MocoV3Options(),
            Transformer,
            new MultiCropOptions { GlobalScale = new(0.08, 1), LocalCount = 0 })
        : new(
            new MocoV3Options { ProjectorLayers = 2, KeyMomentum = 0.996, Temperature = 1 },
            new TrainingOptions
            {
                Epochs = 1000,
                BatchSize = 4096,
                Optimizer = OptimizerKind.Lars,
                LearningRate = 0.3,
                MinLearningRate = 0,
                WarmupEpochs = 10,
                WeightDecay = 1.5e-6,
                WeightDecayEnd = 1.5e-6,
                ClipGradient = 0,
            },
            new MultiCropOptions { GlobalScale = new(0.2, 1), LocalCount = 0 });

    /// <summary>How transformers are trained; also by other methods whose papers train none.</summary>
    internal static TrainingOptions Transformer => new()
    {
        Epochs = 300,
        BatchSize = 4096,
        Optimizer = OptimizerKind.AdamW,
        LearningRate = 1.5e-4,
        MinLearningRate = 0,
        WarmupEpochs = 40,
        WeightDecay = 0.1,
        WeightDecayEnd = 0.1,
        ClipGradient = 0,
    };

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting)
    {
        var options = (MocoV3Options)published.Method;
        return new(
            options with { KeyMomentum = fitting.Momentum("--key-momentum", options.KeyMomentum) },
            fitting.Training(published.Training),
            fitting.Views(published.Views));
    }
}
