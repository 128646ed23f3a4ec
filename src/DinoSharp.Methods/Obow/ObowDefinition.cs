using DinoSharp.Data;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Methods.Obow;

/// <summary>
/// OBoW's settings: as published for ResNet-50 (arXiv 2012.11552, section 4, and its code); for transformers, which the paper does not
/// train, the loop's are those that DINO was published with for ViT-S (arXiv 2104.14294); and fitted.
/// </summary>
public sealed class ObowDefinition : MethodDefinition
{
    public override string Name => "obow";

    public override string Title => "OBoW";

    public override string Paper => "arXiv 2012.11552";

    public override MethodSettings Published(bool transformer) => new(
        new ObowOptions(),
        transformer
            ? new TrainingOptions { Epochs = 300, BatchSize = 1024 }
            : new TrainingOptions
            {
                Epochs = 200,
                BatchSize = 256,
                Optimizer = OptimizerKind.Sgd,
                LearningRate = 0.03,
                MinLearningRate = 3e-5,
                WeightDecay = 1e-4,
                WeightDecayEnd = 1e-4,
                ClipGradient = 0,
            },
        new MultiCropOptions
        {
            GlobalSize = 160,
            GlobalScale = new(0.08, 0.6),
            // The published patches are 96 of 256 pixels each way, cut from crops of 0.6 to 1 of the area.
            LocalCount = 5,
            LocalScale = new(0.08, 0.14),
            Brightness = 0.4,
            Contrast = 0.4,
            Saturation = 0.4,
            Hue = 0.1,
            FirstGlobalBlurProbability = 0.5,
            SecondGlobalBlurProbability = 0.5,
            LocalBlurProbability = 0,
            SolarizeProbability = 0,
        });

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting)
    {
        var options = (ObowOptions)published.Method;
        var facts = fitting.Facts;
        return new(
            options with
            {
                VisualWords = fitting.Choose(
                    "--visual-words",
                    options.VisualWords,
                    Math.Min(options.VisualWords, Math.Max(facts.Images / 20, facts.BatchSize)),
                    "twenty images a word, and no fewer words than a batch renews"),
                TeacherMomentum = fitting.Momentum("--teacher-momentum", options.TeacherMomentum),
                WeakViewSize = fitting.SmallImages
                    ? fitting.Choose("--weak-view-size", options.WeakViewSize, 0, "the images are small: as large as a global crop")
                    : options.WeakViewSize,
            },
            fitting.Training(published.Training),
            fitting.Views(published.Views));
    }
}
