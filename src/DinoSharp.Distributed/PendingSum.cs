namespace DinoSharp.Distributed;

/// <summary>A sum over the ranks that is under way while this rank computes something else.</summary>
public abstract class PendingSum
{
    /// <summary>Returns when the values are the sum; until then nobody reads or writes them. Call it once.</summary>
    public abstract void Wait();
}
