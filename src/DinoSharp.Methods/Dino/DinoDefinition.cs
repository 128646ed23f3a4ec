using DinoSharp.Data;
using DinoSharp.Training;

namespace DinoSharp.Methods.Dino;

/// <summary>DINO's settings: the reference's defaults, which are the published ones for ViT-S/16, and fitted.</summary>
public sealed class DinoDefinition : MethodDefinition
{
    /// <summary>Images an output as published: 1.28 million of ImageNet on 65,536.</summary>
    private const double ImagesPerOutput = 20;

    private const int LeastOutputs = 256;

    public override string Name => "dino";

    public override string Title => "DINO";

    public override string Paper => "arXiv 2104.14294";

    /// <summary>As many outputs as were asked for, or the power of two that leaves each as many images as on ImageNet if that is fewer.</summary>
    public static int FittingOutputs(int outputs, int images) =>
        Math.Min(outputs, Math.Max(LeastOutputs, 1 << (int)Math.Round(Math.Log2(Math.Max(images / ImagesPerOutput, 1)))));

    public override double DropPathRate => 0.1;

    public override MethodSettings Published(bool transformer) => new(new DinoOptions(), new TrainingOptions(), new MultiCropOptions());

    public override MethodSettings Fitted(MethodSettings published, Fitting fitting)
    {
        var options = (DinoOptions)published.Method;
        int outputs = options.Head.OutputDim;
        return new(
            options with
            {
                Head = options.Head with
                {
                    OutputDim = fitting.Choose(
                        "--out-dim", outputs, FittingOutputs(outputs, fitting.Facts.Images), "about 20 images an output, as on ImageNet"),
                },
                TeacherMomentum = fitting.Momentum("--momentum-teacher", options.TeacherMomentum),
            },
            fitting.Training(published.Training),
            fitting.Views(published.Views));
    }
}
