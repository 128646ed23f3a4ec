using System.Globalization;
using DinoSharp.Training;
using DinoSharp.Training.Runs;
using Spectre.Console;

namespace DinoSharp.Cli.Training;

/// <summary>A training as people watch it: one line that is written over on a terminal, and a line now and then in a log.</summary>
internal sealed class TrainingDisplay(Terminal terminal, TrainingPlan plan, long stepsDone) : IDisposable
{
    private const int BarWidth = 24;
    private static readonly TimeSpan BetweenLogLines = TimeSpan.FromSeconds(10);

    private readonly bool _interactive = terminal.Rich.Profile.Capabilities.Interactive && terminal.Rich.Profile.Out.IsTerminal;
    private readonly long _first = stepsDone;
    private long _lastLine;
    private bool _open;

    /// <summary>Shows where the training stands.</summary>
    public void Show(RunProgress progress)
    {
        if (progress.Message is { } message)
        {
            Close();
            terminal.Line(message);
        }

        if (progress.ImagesPerSecond <= 0)
        {
            return;
        }

        if (_interactive)
        {
            string line = Describe(progress);
            terminal.Rich.Profile.Out.Writer.Write($"\r{line.PadRight(terminal.Rich.Profile.Width - 1)[..(terminal.Rich.Profile.Width - 1)]}");
            _open = true;
        }
        else if (_lastLine == 0 || TimeProvider.System.GetElapsedTime(_lastLine) >= BetweenLogLines || progress.StepsDone == plan.TotalSteps)
        {
            _lastLine = TimeProvider.System.GetTimestamp();
            terminal.Line(Describe(progress));
        }
    }

    public void Dispose() => Close();

    private string Describe(RunProgress progress)
    {
        double share = (double)progress.StepsDone / plan.TotalSteps;
        string bar = new string('=', (int)(share * BarWidth)).PadRight(BarWidth, '.');
        string metrics = string.Join("  ", progress.Metrics.Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.Name} {m.Value:F3}")));
        long epoch = Math.Min((progress.StepsDone - 1) / plan.StepsPerEpoch + 1, plan.Epochs);
        string left = progress.StepsDone == _first ? "" : $"  {Duration(progress.TimeLeft)} left";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"[{bar}] {share,4:P0}  epoch {epoch}/{plan.Epochs}  step {progress.StepsDone}/{plan.TotalSteps}  {metrics}  {progress.ImagesPerSecond:F1} im/s{left}");
    }

    private static string Duration(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes} min")
        : time.TotalMinutes >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds} s")
            : string.Create(CultureInfo.InvariantCulture, $"{time.Seconds} s");

    /// <summary>Ends the line that is written over.</summary>
    private void Close()
    {
        if (_open)
        {
            terminal.Line("");
            _open = false;
        }
    }
}
