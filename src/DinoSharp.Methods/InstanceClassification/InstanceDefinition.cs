using DinoSharp.Data;
using DinoSharp.Methods.MocoV3;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Methods.InstanceClassification;

/// <summary>
/// Settings of parametric instance classification: for ResNets those of the authors' code (arXiv 2006.14618); for transformers, for which
/// there are none, optimizer and rates of MoCo v3 (arXiv 2104.02057, appendix).
/// </summary>
public sealed class InstanceDefinition : MethodDefinition
{
    public override string Name => "instance";

    public override string Title => "Instance classification";

    public override string Paper => "arXiv 2006.14618";

    public override MethodSettings Published(bool transformer) => new(
        new InstanceOptions(),
        transformer ? MocoV3Definition.Transformer : new TrainingOptions
        {
            Epochs = 200,
            BatchSize = 512,
            Optimizer = OptimizerKind.Sgd,
            LearningRate = 0.03,
            MinLearningRate = 0,
            WarmupEpochs = 5,
            WeightDecay = 1e-4,
            WeightDecayEnd = 1e-4,
            ClipGradient = 0,
        },
        new MultiCropOptions
        {
            GlobalCount = 1,
            LocalCount = 0,
            GlobalScale = new(0.08, 1),
            Brightness = 0.8,
            Contrast = 0.8,
            Saturation = 0.8,
            Hue = 0.2,
            FirstGlobalBlurProbability = 0.5,
            SolarizeProbability = 0,
        });

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting) =>
        published with { Training = fitting.Training(published.Training), Views = fitting.Views(published.Views) };
}
