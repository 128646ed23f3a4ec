using DinoSharp.Data;
using DinoSharp.Training;

namespace DinoSharp.Methods.Dino;

/// <summary>DINO's settings: the reference's defaults, which are the published ones for ViT-S/16, and fitted.</summary>
public sealed class DinoDefinition : MethodDefinition
{
    /// <summary>Outputs an image from which on the head is too large.</summary>
    private const int ManyOutputs = 4;

    /// <summary>
    /// Enough on all of ImageNet to come within half a point of 65,536 (arXiv 2104.14294, appendix on the projection head).
    /// </summary>
    private const int FewerOutputs = 4096;

    public override string Name => "dino";

    public override string Title => "DINO";

    public override string Paper => "arXiv 2104.14294";

    /// <summary>As many outputs as were asked for, or fewer where those are too many for the images.</summary>
    public static int FittingOutputs(int outputs, int images) =>
        outputs > FewerOutputs && outputs / ManyOutputs > images ? FewerOutputs : outputs;

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
                        "--out-dim", outputs, FittingOutputs(outputs, fitting.Facts.Images), "there are fewer images than that is for"),
                },
                TeacherMomentum = fitting.Momentum("--momentum-teacher", options.TeacherMomentum),
            },
            fitting.Training(published.Training),
            fitting.Views(published.Views));
    }
}
