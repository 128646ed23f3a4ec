using System.Globalization;
using DinoSharp.Data;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Methods;

/// <summary>Chooses settings that fit a training, and keeps the reason of each that is not the published one.</summary>
/// <param name="facts">size of the training</param>
public sealed class Fitting(TrainingFacts facts)
{
    /// <summary>From this batch size on, settings for large batches are used as published.</summary>
    private const int LargeBatch = 1024;

    /// <summary>A moving average's memory, 1 / (1 - momentum) steps, is at most this part of the training.</summary>
    private const double MemoryShare = 0.05;

    /// <summary>Below this side in pixels, a blur of up to 2 pixels leaves nothing to recognise.</summary>
    private const int SmallImage = 96;

    private readonly List<string> _reasons = [];

    /// <summary>Size of the training.</summary>
    public TrainingFacts Facts { get; } = facts;

    /// <summary>A line for each setting that differs, e.g. "--queue-size 12500 in place of 65536: a quarter of the images".</summary>
    public IReadOnlyList<string> Reasons => _reasons;

    /// <summary>Whether the images are so small that what was published for small ones fits them better.</summary>
    public bool SmallImages => Facts.ImageSide < SmallImage;

    /// <summary>The fitted value, noted if it is another than the published one.</summary>
    /// <param name="option">its name on the command line</param>
    /// <param name="published">value</param>
    /// <param name="fitted">value</param>
    /// <param name="why">a few words</param>
    public T Choose<T>(string option, T published, T fitted, string why)
        where T : notnull
    {
        if (!fitted.Equals(published))
        {
            _reasons.Add(string.Create(CultureInfo.InvariantCulture, $"{option} {Word(fitted)} in place of {Word(published)}: {why}"));
        }

        return fitted;
    }

    /// <summary>As on a command line.</summary>
    private static object Word<T>(T value)
        where T : notnull => value is Enum ? value.ToString()!.ToLowerInvariant() : value;

    /// <summary>A momentum whose average is renewed at least twenty times in the training.</summary>
    /// <param name="option">its name on the command line</param>
    /// <param name="published">value</param>
    /// <param name="least">below this the average follows too fast for the method, however short the training</param>
    public double Momentum(string option, double published, double least = 0.9) => Choose(
        option,
        published,
        Math.Min(published, Math.Max(Math.Round(1 - 1 / Math.Max(MemoryShare * Facts.Steps, 1), 4), least)),
        string.Create(CultureInfo.InvariantCulture, $"in {Facts.Steps:#,0} steps a slower average would hardly move"));

    /// <summary>
    /// Optimizer and rates in place of LARS, which is for large batches: the optimizer that was asked for, or SGD as in small trainings of MoCo
    /// and SimCLR.
    /// </summary>
    public TrainingOptions Training(TrainingOptions published)
    {
        var optimizer = Facts.Optimizer ?? (Facts.BatchSize >= LargeBatch ? OptimizerKind.Lars : OptimizerKind.Sgd);
        if (published.Optimizer != OptimizerKind.Lars || optimizer == OptimizerKind.Lars)
        {
            return published;
        }

        string why = $"published for LARS, this is for {Word(optimizer)}";
        var (rate, last, decay) = optimizer == OptimizerKind.AdamW ? (5e-4, 1e-6, 0.05) : (0.12, 0.0, 5e-4);
        return published with
        {
            Optimizer = Choose("--optimizer", published.Optimizer, optimizer, "LARS is for batches of 1,024 and more"),
            LearningRate = Choose("--lr", published.LearningRate, rate, why),
            MinLearningRate = Choose("--min-lr", published.MinLearningRate, last, why),
            WeightDecay = Choose("--weight-decay", published.WeightDecay, decay, why),
            WeightDecayEnd = Choose("--weight-decay-end", published.WeightDecayEnd, decay, why),
        };
    }

    /// <summary>Views of small images are not blurred.</summary>
    public MultiCropOptions Views(MultiCropOptions published)
    {
        if (!SmallImages)
        {
            return published;
        }

        string why = string.Create(CultureInfo.InvariantCulture, $"images of {Facts.ImageSide} pixels have no detail to lose");
        return published with
        {
            FirstGlobalBlurProbability = Choose("--first-global-blur-probability", published.FirstGlobalBlurProbability, 0, why),
            SecondGlobalBlurProbability = published.GlobalCount < 2
                ? published.SecondGlobalBlurProbability
                : Choose("--second-global-blur-probability", published.SecondGlobalBlurProbability, 0, why),
            LocalBlurProbability = published.LocalCount == 0
                ? published.LocalBlurProbability
                : Choose("--local-blur-probability", published.LocalBlurProbability, 0, why),
        };
    }
}
