using System.Globalization;
using DinoSharp.Training;
using DinoSharp.Training.Runs;
using Spectre.Console;

namespace DinoSharp.Cli.Training;

/// <summary>A training as people watch it: one line that is written over on a terminal, and a line now and then in a log.</summary>
internal sealed class TrainingDisplay(Terminal terminal, TrainingPlan plan) : IDisposable
{
    private const int BarWidth = 12;

    /// <summary>Share of the time spent waiting for images from which on it is shown.</summary>
    private const double WorthTelling = 0.01;

    private static readonly TimeSpan BetweenLogLines = TimeSpan.FromSeconds(10);

    private readonly bool _interactive = terminal.Rich.Profile.Capabilities.Interactive && terminal.Rich.Profile.Out.IsTerminal;
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
            int width = terminal.Rich.Profile.Width - 1;
            terminal.Rich.Profile.Out.Writer.Write($"\r{line.PadRight(width)[..width]}");
            _open = true;
        }
        else if (_lastLine == 0 || progress.StepsDone == plan.TotalSteps
            || TimeProvider.System.GetElapsedTime(_lastLine) >= BetweenLogLines)
        {
            _lastLine = TimeProvider.System.GetTimestamp();
            terminal.Line(Describe(progress));
        }
    }

    public void Dispose() => Close();

    /// <summary>What matters most comes first: a narrow terminal shows the beginning only.</summary>
    private string Describe(RunProgress progress)
    {
        double share = (double)progress.StepsDone / plan.TotalSteps;
        string bar = new string('=', (int)(share * BarWidth)).PadRight(BarWidth, '.');
        long epoch = Math.Min((progress.StepsDone - 1) / plan.StepsPerEpoch + 1, plan.Epochs);
        string left = progress.StepsDone == plan.TotalSteps ? "" : $"  {Duration(progress.TimeLeft)} left";
        string loader = progress.LoaderWaitShare < WorthTelling ? ""
            : string.Create(CultureInfo.InvariantCulture, $"  loader {Math.Min(progress.LoaderWaitShare, 1) * 100:F0} %");
        string metrics = string.Concat(progress.Metrics.Select(
            metric => string.Create(CultureInfo.InvariantCulture, $"  {metric.Name} {metric.Value:F3}")));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"[{bar}] {share * 100,3:F0} %  epoch {epoch}/{plan.Epochs}{left}  {progress.ImagesPerSecond:F1} im/s{loader}{metrics}");
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
