using DinoSharp.Data;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Methods.BarlowTwins;

/// <summary>
/// Barlow Twins' settings: as published for ResNet-50 (arXiv 2103.03230, section 2.2); for transformers, which the paper does not train,
/// the loop's are those that DINO was published with for ViT-S (arXiv 2104.14294), the method's the published ones; and fitted.
/// </summary>
public sealed class BarlowTwinsDefinition : MethodDefinition
{
    /// <summary>Images below which the published projector would outweigh what there is to learn.</summary>
    private const int FewImages = 200_000;

    public override string Name => "barlow-twins";

    public override string Title => "Barlow Twins";

    public override string Paper => "arXiv 2103.03230";

    public override bool ZeroInitResidual => true;

    public override MethodSettings Published(bool transformer) => new(
        // AdamW makes all steps alike whatever the size of the loss: biases need no rate of their own.
        transformer ? new BarlowTwinsOptions { BiasRateScale = 1 } : new BarlowTwinsOptions(),
        transformer
            ? new TrainingOptions { Epochs = 300, BatchSize = 1024 }
            : new TrainingOptions
            {
                Epochs = 1000,
                BatchSize = 2048,
                Optimizer = OptimizerKind.Lars,
                LearningRate = 0.2,
                MinLearningRate = 0.2 * 2048 / 256 / 1000, // the peak over 1000
                WeightDecay = 1.5e-6,
                WeightDecayEnd = 1.5e-6,
                ClipGradient = 0,
            },
        new MultiCropOptions { GlobalScale = new(0.08, 1), LocalCount = 0 });

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting)
    {
        var options = (BarlowTwinsOptions)published.Method;
        var training = fitting.Training(published.Training);
        if (training.Optimizer != OptimizerKind.Lars)
        {
            options = options with
            {
                BiasRateScale = fitting.Choose("--bias-rate-scale", options.BiasRateScale, 1, "only LARS scales weights and not biases"),
            };
        }

        if (fitting.Facts.Images < FewImages)
        {
            const string why = "the published projector has more weights than there is to learn";
            options = options with
            {
                HiddenDim = fitting.Choose("--hidden-dim", options.HiddenDim, Math.Min(options.HiddenDim, 2048), why),
                ProjectionDim = fitting.Choose("--projection-dim", options.ProjectionDim, Math.Min(options.ProjectionDim, 2048), why),
            };
        }

        return new(options, training, fitting.Views(published.Views));
    }
}
