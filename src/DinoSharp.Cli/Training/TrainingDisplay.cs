using System.Globalization;
using DinoSharp.Training;
using DinoSharp.Training.Runs;
using Spectre.Console;

namespace DinoSharp.Cli.Training;

/// <summary>A training as people watch it.</summary>
internal sealed class TrainingDisplay(Terminal terminal, TrainingPlan plan, long stepsDone) : IDisposable
{
    private readonly StatusLine _line = new(terminal);
    private readonly long _first = stepsDone;
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

    private string Describe(RunProgress progress)
    {
        double share = (double)progress.StepsDone / plan.TotalSteps;
        string metrics = string.Join("  ", progress.Metrics.Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.Name} {m.Value:F3}")));
        long epoch = Math.Min((progress.StepsDone - 1) / plan.StepsPerEpoch + 1, plan.Epochs);
        string left = progress.StepsDone == _first ? "" : $"  {Wording.Duration(progress.TimeLeft)} left";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Wording.Bar(share)}  epoch {epoch}/{plan.Epochs}  step {progress.StepsDone}/{plan.TotalSteps}  {metrics}  {progress.ImagesPerSecond:F1} im/s{left}");
    }
}
