using System.Globalization;
using DinoSharp.Methods.Dino;

namespace DinoSharp.Cli.Training;

/// <summary>Settings that make a training but hardly a good one, told before it costs hours.</summary>
internal static class TrainingAdvice
{
    /// <summary>A line each.</summary>
    /// <param name="settings">of the training</param>
    /// <param name="images">how many there are to learn from</param>
    public static IEnumerable<string> On(TrainSettings settings, int images)
    {
        if (settings.Training.EffectiveWarmupEpochs == settings.Training.Epochs)
        {
            yield return "advice: the learning rate rises to the very end and never falls: lower --warmup-epochs or raise --epochs";
        }

        foreach (string advice in settings.Method is DinoOptions dino ? OnDino(dino, settings.Training.Epochs, images) : [])
        {
            yield return advice;
        }
    }

    private static IEnumerable<string> OnDino(DinoOptions dino, int epochs, int images)
    {
        int outputs = dino.Head.OutputDim, fewer = DinoDefinition.FittingOutputs(outputs, images);
        if (fewer < outputs)
        {
            yield return string.Create(CultureInfo.InvariantCulture,
                $"advice: {outputs:#,0} outputs are many for {images:#,0} images: fewer train faster, as --out-dim {fewer}");
        }

        if (dino.FreezeLastLayerEpochs >= epochs)
        {
            yield return "advice: the head's last layer never moves: lower --freeze-last-layer or raise --epochs";
        }

        if (dino.WarmupTeacherTemperatureEpochs > epochs)
        {
            yield return "advice: the teacher's temperature ends in its warm-up: lower --warmup-teacher-temp-epochs or raise --epochs";
        }
    }
}
