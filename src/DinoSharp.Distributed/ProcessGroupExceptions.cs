namespace DinoSharp.Distributed;

/// <summary>The ranks cannot go on together; the message is one line.</summary>
public sealed class ProcessGroupException(string message) : Exception(message);

/// <summary>The processes cannot become ranks as they were started; the message is one line that says what to do.</summary>
public sealed class ProcessGroupUnavailableException(string message) : Exception(message)
{
    /// <summary>Whether another process of this machine says the same, so that this one can be silent.</summary>
    public bool IsEcho { get; init; }
}
