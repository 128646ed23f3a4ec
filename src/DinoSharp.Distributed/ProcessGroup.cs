using System.Diagnostics.CodeAnalysis;
using static TorchSharp.torch;

namespace DinoSharp.Distributed;

/// <summary>
/// The processes ("ranks") that do one piece of work together, each with its share of the images. Every rank calls the same operations in the
/// same order with tensors of the same shape; each returns when all have called it, and leaves the same bits on all.
/// </summary>
public abstract class ProcessGroup : IDisposable
{
    /// <summary>The usual case: one process, for which every operation is already done.</summary>
    public static ProcessGroup Alone { get; } = new SingleProcess();

    /// <summary>Number of this process, from 0.</summary>
    public abstract int Rank { get; }

    /// <summary>Number of processes.</summary>
    public abstract int Size { get; }

    /// <summary>Whether this is the rank that speaks and writes.</summary>
    public bool IsFirst => Rank == 0;

    /// <summary>Number of this process among those of its machine, from 0.</summary>
    public virtual int LocalRank => Rank;

    /// <summary>Number of processes on this one's machine.</summary>
    public virtual int LocalSize => Size;

    /// <summary>Processors that are this rank's to compute with: those it may use, divided among the ranks that may use them too.</summary>
    public abstract int Processors { get; }

    /// <summary>What whoever started the ranks should know, in one line; null for nothing.</summary>
    public virtual string? Advice => null;

    /// <summary>What this rank's work with the others has cost so far; nothing for one that is alone.</summary>
    public virtual ExchangeCost Cost => default;

    /// <summary>What is done as the last thing before this process is ended because a rank failed; it gets half a second.</summary>
    internal virtual Action? Ending
    {
        set { }
    }

    /// <summary>A rank for people: its number, and where it runs.</summary>
    public abstract string Describe(int rank);

    /// <summary>Replaces values by their sum over the ranks.</summary>
    /// <param name="values">contiguous, of float32, float64 or int64; overwritten</param>
    public abstract void Sum(Tensor values);

    /// <summary>As <see cref="Sum"/>, but returns at once; sums begun one after the other are under way together.</summary>
    /// <param name="values">contiguous, of float32, float64 or int64; nobody's until <see cref="PendingSum.Wait"/>, then overwritten</param>
    public abstract PendingSum BeginSum(Tensor values);

    /// <summary>The rows of all ranks, in the order of the ranks.</summary>
    /// <param name="rows">of float32, float64 or int64; the same shape on every rank // [B, ...]</param>
    /// <returns>a new tensor // [n B, ...]</returns>
    public abstract Tensor Gather(Tensor rows);

    /// <summary>Rows from every rank to every rank, as torch.distributed's all_to_all_single has it.</summary>
    /// <param name="rows">those for the first rank, behind them those for the second, and so on; of float32, float64 or int64 // [B, ...]</param>
    /// <param name="to">how many of them are for each rank</param>
    /// <param name="from">how many come from each rank</param>
    /// <returns>a new tensor, in the order of the ranks // [sum of from, ...]</returns>
    public abstract Tensor Exchange(Tensor rows, long[] to, long[] from);

    /// <summary>Replaces values by those of one rank.</summary>
    /// <param name="values">contiguous; overwritten on all other ranks</param>
    /// <param name="from">the rank that has them</param>
    public abstract void Broadcast(Tensor values, int from = 0);

    /// <summary>What each rank has to say, in the order of the ranks; the lengths may differ.</summary>
    public abstract IReadOnlyList<byte[]> GatherMessages(ReadOnlyMemory<byte> message);

    /// <summary>Returns when all ranks have called it.</summary>
    public abstract void Barrier();

    /// <summary>
    /// Call it when values have come from a GPU, before they are told or written. Where the ranks are being ended it never returns: an operation
    /// that was cut short gives values that are none.
    /// </summary>
    public virtual void Trust()
    {
    }

    /// <summary>
    /// Ends all ranks because this one cannot go on. The first rank says the line, with the rank it is from unless all ranks say the same.
    /// </summary>
    /// <param name="line">why, in one line</param>
    /// <param name="code">exit code of all processes</param>
    [DoesNotReturn]
    public abstract void Fail(string line, int code);

    /// <summary>Leaves when all ranks do.</summary>
    public abstract void Dispose();
}
