using DinoSharp.Data;
using DinoSharp.Methods.MocoV3;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Methods.SimClr;

/// <summary>
/// SimCLR's settings: as published for ResNet-50 (arXiv 2002.05709, sections 2.2, 5 and appendix A), and fitted. For transformers its
/// paper has none: the rates are those of MoCo v3, which shares the loss and whose authors trained both (arXiv 2104.02057).
/// </summary>
public sealed class SimClrDefinition : MethodDefinition
{
    /// <summary>Appendix B.9, on CIFAR-10.</summary>
    private const double SmallImageTemperature = 0.5;

    public override string Name => "simclr";

    public override string Title => "SimCLR";

    public override string Paper => "arXiv 2002.05709";

    public override bool ZeroInitResidual => true;

    public override MethodSettings Published(bool transformer) => new(
        new SimClrOptions(),
        transformer
            ? MocoV3Definition.Transformer
            : new TrainingOptions
            {
                Epochs = 1000,
                BatchSize = 4096,
                Optimizer = OptimizerKind.Lars,
                LearningRate = 0.3,
                MinLearningRate = 0,
                WarmupEpochs = 10,
                WeightDecay = 1e-6,
                WeightDecayEnd = 1e-6,
                ClipGradient = 0,
            },
        new MultiCropOptions
        {
            GlobalScale = new(0.08, 1),
            LocalCount = 0,
            Brightness = 0.8,
            Contrast = 0.8,
            Saturation = 0.8,
            Hue = 0.2,
            FirstGlobalBlurProbability = 0.5,
            SecondGlobalBlurProbability = 0.5,
            SolarizeProbability = 0,
        });

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting)
    {
        var options = (SimClrOptions)published.Method;
        return new(
            fitting.SmallImages
                ? options with
                {
                    Temperature = fitting.Choose(
                        "--temperature", options.Temperature, SmallImageTemperature, "as published for images of 32 pixels"),
                }
                : options,
            fitting.Training(published.Training),
            fitting.Views(published.Views));
    }
}
