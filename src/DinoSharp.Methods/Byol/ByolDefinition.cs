using DinoSharp.Data;
using DinoSharp.Methods.MocoV3;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Methods.Byol;

/// <summary>BYOL's settings: as published for ResNet-50 (arXiv 2006.07733) and for transformers (arXiv 2104.02057, appendix), and fitted.</summary>
public sealed class ByolDefinition : MethodDefinition
{
    public override string Name => "byol";

    public override string Title => "BYOL";

    public override string Paper => "arXiv 2006.07733";

    public override bool ZeroInitResidual => true;

    public override MethodSettings Published(bool transformer) => new(
        new ByolOptions(),
        transformer
            ? MocoV3Definition.Transformer with { WeightDecay = 0.03, WeightDecayEnd = 0.03 }
            : new TrainingOptions
            {
                Epochs = 1000,
                BatchSize = 4096,
                Optimizer = OptimizerKind.Lars,
                LearningRate = 0.2,
                MinLearningRate = 0,
                WarmupEpochs = 10,
                WeightDecay = 1.5e-6,
                WeightDecayEnd = 1.5e-6,
                ClipGradient = 0,
            },
        new MultiCropOptions { GlobalScale = new(0.08, 1), LocalCount = 0 });

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting)
    {
        var options = (ByolOptions)published.Method;
        return new(
            options with { TargetMomentum = fitting.Momentum("--target-momentum", options.TargetMomentum) },
            fitting.Training(published.Training),
            fitting.Views(published.Views));
    }
}
