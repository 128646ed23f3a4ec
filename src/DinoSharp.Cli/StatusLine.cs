namespace DinoSharp.Cli;

/// <summary>Where long work stands: one line that is written over on a terminal, and a line now and then in a log.</summary>
internal sealed class StatusLine(Terminal terminal) : IDisposable
{
    private static readonly TimeSpan BetweenLogLines = TimeSpan.FromSeconds(10);

    private readonly bool _interactive = terminal.Rich.Profile.Capabilities.Interactive && terminal.Rich.Profile.Out.IsTerminal;
    private long _lastLine = TimeProvider.System.GetTimestamp();
    private bool _open;

    /// <summary>Shows a line in place of the last one. A log gets it only if its last line is long ago, or if it must be there.</summary>
    public void Show(Func<string> describe, bool inLog = false)
    {
        if (_interactive)
        {
            int width = terminal.Rich.Profile.Width - 1;
            terminal.Rich.Profile.Out.Writer.Write($"\r{describe().PadRight(width)[..width]}");
            _open = true;
        }
        else if (inLog || TimeProvider.System.GetElapsedTime(_lastLine) >= BetweenLogLines)
        {
            _lastLine = TimeProvider.System.GetTimestamp();
            terminal.Line(describe());
        }
    }

    /// <summary>Ends the line that is written over, so that others may follow.</summary>
    public void Dispose()
    {
        if (_open)
        {
            terminal.Line("");
            _open = false;
        }
    }
}
