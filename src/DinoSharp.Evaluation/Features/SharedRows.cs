using DinoSharp.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Features;

/// <summary>
/// The rows of a matrix of features, of which each of several processes has a run, in the order of the ranks; a process that is alone has all.
/// Every rank calls the same operations in the same order.
/// </summary>
public sealed class SharedRows
{
    /// <summary>Bytes of rows on their way at once.</summary>
    private const long WindowBytes = 64 << 20;

    private readonly float[] _own; // this rank's rows, and on the first whatever stands behind them
    private readonly long[] _starts; // where each rank's run begins, and behind the last one how many rows there are

    /// <summary>Shares rows as the ranks have them.</summary>
    /// <param name="group">the ranks</param>
    /// <param name="own">this rank's rows, used where they are // [n, D]</param>
    /// <param name="dim">length D of a row</param>
    public SharedRows(ProcessGroup group, float[] own, int dim)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(own);
        ArgumentOutOfRangeException.ThrowIfLessThan(dim, 1);
        (Group, _own, Dim) = (group, own, dim);
        using var count = tensor(new[] { (long)own.Length / dim });
        using var counts = group.Gather(count); // [ranks]
        _starts = new long[group.Size + 1];
        for (int rank = 0; rank < group.Size; rank++)
        {
            _starts[rank + 1] = _starts[rank] + counts[rank].item<long>();
        }
    }

    private SharedRows(ProcessGroup group, float[] own, int dim, long[] starts) => (Group, _own, Dim, _starts) = (group, own, dim, starts);

    /// <summary>The ranks.</summary>
    public ProcessGroup Group { get; }

    /// <summary>Length D of a row.</summary>
    public int Dim { get; }

    /// <summary>Rows N of all ranks.</summary>
    public long Count => _starts[^1];

    /// <summary>The first row of this rank's run.</summary>
    public long First => _starts[Group.Rank];

    /// <summary>Behind the last row of this rank's run.</summary>
    public long End => _starts[Group.Rank + 1];

    /// <summary>This rank's rows, to be changed in place // [n, D]</summary>
    internal Span<float> Own => _own.AsSpan(0, checked((int)(End - First) * Dim));

    /// <summary>The rows of a table that this process has alone, where they are.</summary>
    public static SharedRows Of(FeatureTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        return new SharedRows(ProcessGroup.Alone, table.Values, table.Dim);
    }

    /// <summary>Deals rows that the first rank has, the same number to each.</summary>
    /// <param name="group">the ranks</param>
    /// <param name="table">read on the first, which goes on using its memory</param>
    public static SharedRows Deal(ProcessGroup group, FeatureTable? table)
    {
        ArgumentNullException.ThrowIfNull(group);
        if (group.Size == 1)
        {
            return Of(table!);
        }

        long[] shape = group.FirstSays([table?.Rows ?? 0, table?.Dim ?? 0]);
        long[] starts = [.. Enumerable.Range(0, group.Size + 1).Select(rank => shape[0] * rank / group.Size)];
        long own = starts[group.Rank + 1] - starts[group.Rank];
        SharedRows rows = new(group, table?.Values ?? new float[checked(own * shape[1])], (int)shape[1], starts);
        foreach (var (rank, start, count) in rows.Windows())
        {
            using var scope = NewDisposeScope();
            var sent = rows.Send(() => View(table!.Values, rows.Dim).narrow(0, start, count), count, from: 0, to: rank);
            if (rank == group.Rank)
            {
                rows.AsTensor().narrow(0, start - rows.First, count).copy_(sent);
            }
        }

        return rows;
    }

    /// <summary>All rows, on the first rank; null on the others.</summary>
    /// <exception cref="EvaluationException">They are more than one array holds.</exception>
    public float[]? OnFirst()
    {
        if (Group.Size == 1)
        {
            return _own;
        }

        if (Count * Dim > Array.MaxLength)
        {
            throw new EvaluationException($"{Count} features of {Dim} values are more than one table holds; take fewer images or smaller ones");
        }

        float[]? all = Group.IsFirst ? new float[Count * Dim] : null;
        if (all is not null)
        {
            Own.CopyTo(all);
        }

        foreach (var (rank, start, count) in Windows())
        {
            using var scope = NewDisposeScope();
            var sent = Send(() => AsTensor().narrow(0, start - First, count), count, from: rank, to: 0);
            if (all is not null)
            {
                View(all, Dim).narrow(0, start, count).copy_(sent);
            }
        }

        return all;
    }

    /// <summary>Some of the rows, on every rank.</summary>
    /// <param name="rows">which, the same on every rank</param>
    /// <returns>in the order asked for // float32 [m, D]</returns>
    internal Tensor Rows(IReadOnlyList<long> rows)
    {
        using var scope = NewDisposeScope();
        var found = empty(rows.Count, Dim);
        for (int rank = 0; rank < Group.Size; rank++)
        {
            long[] places = [.. rows.Index().Where(row => RankOf(row.Item) == rank).Select(row => (long)row.Index)];
            if (places.Length > 0)
            {
                var values = rank == Group.Rank
                    ? AsTensor().index_select(0, tensor([.. places.Select(place => rows[(int)place] - First)]))
                    : empty(places.Length, Dim);
                Group.Broadcast(values, rank);
                found.index_copy_(0, tensor(places), values);
            }
        }

        return found.MoveToOuterDisposeScope();
    }

    /// <summary>The rows from one on, on every rank; where they are, if one process has all.</summary>
    /// <returns>// float32 [count, D]</returns>
    internal Tensor Rows(long start, long count)
    {
        using var scope = NewDisposeScope();
        if (Group.Size == 1)
        {
            return AsTensor().narrow(0, start, count).MoveToOuterDisposeScope();
        }

        var found = empty(count, Dim);
        for (int rank = 0; rank < Group.Size; rank++)
        {
            var (first, shared) = Overlap(rank, start, start + count);
            if (shared > 0)
            {
                var values = found.narrow(0, first - start, shared);
                if (rank == Group.Rank)
                {
                    values.copy_(AsTensor().narrow(0, first - First, shared));
                }

                Group.Broadcast(values, rank);
            }
        }

        return found.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// This rank's share of the rows in blocks, whose borders are multiples of a size and so do not depend on how many ranks there are. A
    /// block that lies on several ranks goes to the one that has its first row.
    /// </summary>
    /// <param name="size">rows of a block; the last of all may have fewer</param>
    /// <returns>the first row of each block, and its rows, where they are but for a block that lay on several ranks // [n, D]</returns>
    internal IReadOnlyList<(long Start, Tensor Rows)> Blocks(long size)
    {
        using var scope = NewDisposeScope();
        var own = AsTensor();
        var rest = Rest(own, size);
        List<(long Start, Tensor Rows)> blocks = [];
        for (long start = (First + size - 1) / size * size; start < End; start += size)
        {
            var block = own.narrow(0, start - First, Math.Min(size, End - start));
            bool isCut = start + size > End && rest.size(0) > 0;
            blocks.Add((start, (isCut ? cat([block, rest]) : block).MoveToOuterDisposeScope()));
        }

        return blocks;
    }

    /// <summary>What following ranks have of this rank's last block // [m, D]</summary>
    private Tensor Rest(Tensor own, long size)
    {
        if (Group.Size == 1)
        {
            return own.narrow(0, 0, 0);
        }

        long[] to = new long[Group.Size], from = new long[Group.Size];
        long given = Math.Min((First + size - 1) / size * size, End) - First; // of a block that begins on a rank before
        if (given > 0)
        {
            to[RankOf(First / size * size)] = given;
        }

        long last = (End - 1) / size * size;
        if (End > First && last >= First)
        {
            for (int rank = Group.Rank + 1; rank < Group.Size; rank++)
            {
                from[rank] = Overlap(rank, End, Math.Min(last + size, Count)).Count;
            }
        }

        return Group.Exchange(own.narrow(0, 0, given), to, from);
    }

    /// <summary>Which run has a row.</summary>
    private int RankOf(long row)
    {
        int rank = 0;
        while (row >= _starts[rank + 1])
        {
            rank++;
        }

        return rank;
    }

    /// <summary>What a rank's run has of other rows.</summary>
    private (long First, long Count) Overlap(int rank, long start, long end)
    {
        long first = Math.Max(start, _starts[rank]);
        return (first, Math.Max(0, Math.Min(end, _starts[rank + 1]) - first));
    }

    /// <summary>The rows of all ranks but the first, some at once, so that little memory is needed besides.</summary>
    private IEnumerable<(int Rank, long Start, long Count)> Windows()
    {
        long most = Math.Max(1, WindowBytes / (sizeof(float) * Dim));
        for (int rank = 1; rank < Group.Size; rank++)
        {
            for (long start = _starts[rank]; start < _starts[rank + 1]; start += most)
            {
                yield return (rank, start, Math.Min(most, _starts[rank + 1] - start));
            }
        }
    }

    /// <summary>Gives rows from one rank to another.</summary>
    /// <param name="rows">on the rank that has them // [count, D]</param>
    /// <returns>on the other rank // [count, D]</returns>
    private Tensor Send(Func<Tensor> rows, long count, int from, int to)
    {
        long[] sent = new long[Group.Size], received = new long[Group.Size];
        sent[to] = Group.Rank == from ? count : 0;
        received[from] = Group.Rank == to ? count : 0;
        return Group.Exchange(Group.Rank == from ? rows() : empty(0, Dim), sent, received);
    }

    /// <summary>This rank's rows, in the same memory // float32 [n, D]</summary>
    private Tensor AsTensor() => View(_own, Dim).narrow(0, 0, End - First);

    private static Tensor View(float[] values, int dim) =>
        values.Length > 0 ? frombuffer(values, ScalarType.Float32).view(-1, dim) : empty(0, dim);
}
