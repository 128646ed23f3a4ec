using DinoSharp.Data;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Methods.SimSiam;

/// <summary>SimSiam's settings: as published for ResNet-50 (arXiv 2011.10566, section 3), and fitted.</summary>
public sealed class SimSiamDefinition : MethodDefinition
{
    public override string Name => "simsiam";

    public override string Title => "SimSiam";

    public override string Paper => "arXiv 2011.10566";

    public override MethodSettings Published(bool transformer) => new(
        new SimSiamOptions(),
        new TrainingOptions
        {
            Epochs = 100,
            BatchSize = 512,
            Optimizer = OptimizerKind.Sgd,
            LearningRate = 0.05,
            MinLearningRate = 0,
            WarmupEpochs = 0,
            WeightDecay = 1e-4,
            WeightDecayEnd = 1e-4,
            ClipGradient = 0,
        },
        new MultiCropOptions
        {
            GlobalScale = new(0.2, 1),
            LocalCount = 0,
            Saturation = 0.4,
            FirstGlobalBlurProbability = 0.5,
            SecondGlobalBlurProbability = 0.5,
            SolarizeProbability = 0,
        });

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting) =>
        published with { Training = fitting.Training(published.Training), Views = fitting.Views(published.Views) };
}
