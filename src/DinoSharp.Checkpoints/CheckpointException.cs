namespace DinoSharp.Checkpoints;

/// <summary>A file of weights cannot be read, written or used. The message is one line that names the file.</summary>
public sealed class CheckpointException : Exception
{
    private const int LongestMessage = 1000;

    /// <param name="message">One line: which file, what is wrong, what to do.</param>
    /// <param name="cause">What failed underneath, if anything did.</param>
    public CheckpointException(string message, Exception? cause = null)
        : base(OneLine(message), cause)
    {
    }

    // Messages quote names out of files, which may hold anything: line breaks, a terminal's control sequences, a megabyte.
    private static string OneLine(string message) =>
        string.Concat(message.Take(LongestMessage).Select(c => char.IsControl(c) ? ' ' : c)) +
        (message.Length > LongestMessage ? "..." : "");
}
