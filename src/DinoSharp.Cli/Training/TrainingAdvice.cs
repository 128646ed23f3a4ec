using System.Globalization;
using DinoSharp.Models.Heads;

namespace DinoSharp.Cli.Training;

/// <summary>Settings that make a training but hardly a good one, told before it costs hours.</summary>
internal static class TrainingAdvice
{
    /// <summary>Outputs an image from which on the head is called too large.</summary>
    private const int ManyOutputs = 4;

    /// <summary>
    /// Enough on all of ImageNet to come within half a point of 65,536 (arXiv 2104.14294, appendix on the projection head).
    /// </summary>
    private const int FewerOutputs = 4096;

    /// <summary>Fewer outputs than the published ones, where those are too many for the images; else null.</summary>
    public static int? FittingOutputs(int images) => TooManyOutputs(new DinoHeadOptions().OutputDim, images) ? FewerOutputs : null;

    /// <summary>A line each.</summary>
    /// <param name="settings">of the training</param>
    /// <param name="images">how many there are to learn from</param>
    public static IEnumerable<string> On(TrainSettings settings, int images)
    {
        var (training, dino) = (settings.Training, settings.Dino);
        if (dino.Head.OutputDim > FewerOutputs && TooManyOutputs(dino.Head.OutputDim, images))
        {
            yield return string.Create(CultureInfo.InvariantCulture,
                $"advice: {dino.Head.OutputDim:#,0} outputs are many for {images:#,0} images: fewer train faster, as --out-dim {FewerOutputs}");
        }

        if (training.EffectiveWarmupEpochs == training.Epochs)
        {
            yield return "advice: the learning rate rises to the very end and never falls: lower --warmup-epochs or raise --epochs";
        }

        if (dino.FreezeLastLayerEpochs >= training.Epochs)
        {
            yield return "advice: the head's last layer never moves: lower --freeze-last-layer or raise --epochs";
        }

        if (dino.WarmupTeacherTemperatureEpochs > training.Epochs)
        {
            yield return "advice: the teacher's temperature ends in its warm-up: lower --warmup-teacher-temp-epochs or raise --epochs";
        }
    }

    private static bool TooManyOutputs(int outputs, int images) => outputs / ManyOutputs > images;
}
