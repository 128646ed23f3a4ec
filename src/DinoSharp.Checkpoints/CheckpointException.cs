namespace DinoSharp.Checkpoints;

/// <summary>A file of weights cannot be read, written or used. The message is one line that names the file.</summary>
public sealed class CheckpointException : Exception
{
    /// <param name="message">One line: which file, what is wrong, what to do.</param>
    /// <param name="cause">What failed underneath, if anything did.</param>
    public CheckpointException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}
