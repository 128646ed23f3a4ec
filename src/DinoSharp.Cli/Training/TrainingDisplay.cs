using System.Globalization;
using DinoSharp.Training;
using DinoSharp.Training.Runs;

namespace DinoSharp.Cli.Training;

/// <summary>A training as people watch it.</summary>
internal sealed class TrainingDisplay(Terminal terminal, TrainingPlan plan) : IDisposable
{
    private readonly StatusLine _line = new(terminal);
    private bool _shown;

    /// <summary>Shows where the training stands.</summary>
    public void Show(RunProgress progress)
    {
        if (progress.Message is { } message)
        {
            _line.Dispose();
            terminal.Line(message);
        }

        if (progress.ImagesPerSecond > 0)
        {
            _line.Show(() => Describe(progress), inLog: !_shown || progress.StepsDone == plan.TotalSteps);
            _shown = true;
        }
    }

    public void Dispose() => _line.Dispose();

    /// <summary>
    /// What matters most comes first: a narrow terminal shows the beginning only. "waits" is the share of the time in which the training
    /// waited for images, and after it, where several processes train, the share in which one waited for the others.
    /// </summary>
    private string Describe(RunProgress progress)
    {
        double share = (double)progress.StepsDone / plan.TotalSteps;
        long epoch = Math.Min((progress.StepsDone - 1) / plan.StepsPerEpoch + 1, plan.Epochs);
        string left = progress.StepsDone == plan.TotalSteps ? "" : $"  {Wording.Duration(progress.TimeLeft)} left";
        string metrics = string.Concat(progress.Metrics.Select(
            metric => string.Create(CultureInfo.InvariantCulture, $"  {metric.Name} {metric.Value:F3}")));
        string ranks = progress.RankWaitShare is { } wait ? $", for other ranks {Percent(wait)}" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Wording.Bar(share)}  epoch {epoch}/{plan.Epochs}{left}  {progress.ImagesPerSecond:F1} im/s  waits {Percent(progress.LoaderWaitShare)}{ranks}{metrics}");
    }

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{Math.Min(share, 1) * 100:F0} %");
}
