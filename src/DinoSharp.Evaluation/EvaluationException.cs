namespace DinoSharp.Evaluation;

/// <summary>An evaluation cannot be done with what it was given. The message is one line that says what to do.</summary>
public sealed class EvaluationException : Exception
{
    /// <param name="message">One line: which input, what is wrong, what to do.</param>
    /// <param name="cause">What failed underneath, if anything did.</param>
    public EvaluationException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}
