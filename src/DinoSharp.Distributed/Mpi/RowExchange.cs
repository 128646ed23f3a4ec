using System.Runtime.InteropServices;

namespace DinoSharp.Distributed.Mpi;

/// <summary>
/// Rows on their way from every rank to every rank. MPI counts bytes in 32 bits, so they go in rounds, of which each has room for a piece from
/// each rank to each, through memory of a fixed size.
/// </summary>
internal sealed unsafe class RowExchange : IDisposable
{
    private const long RoundBytes = 64 << 20;

    private readonly long[] _to;
    private readonly long[] _from;
    private readonly long _piece;
    private readonly long _rounds;
    private readonly int* _numbers;
    private long _round = -1;

    /// <param name="to">rows for each rank</param>
    /// <param name="from">rows from each rank</param>
    /// <param name="rowBytes">bytes of a row</param>
    /// <param name="largest">most bytes that any rank has for another</param>
    public RowExchange(long[] to, long[] from, long rowBytes, long largest)
    {
        (_to, _from) = ([.. to.Select(rows => rows * rowBytes)], [.. from.Select(rows => rows * rowBytes)]);
        _piece = Math.Max(Math.Min(largest, RoundBytes / to.Length), 1);
        _rounds = (largest + _piece - 1) / _piece;
        _numbers = (int*)NativeMemory.Alloc((nuint)to.Length * 4, sizeof(int));
        Out = (byte*)NativeMemory.Alloc((nuint)_to.Sum(bytes => Math.Min(bytes, _piece)));
        In = (byte*)NativeMemory.Alloc((nuint)_from.Sum(bytes => Math.Min(bytes, _piece)));
    }

    /// <summary>What goes out in a round, and how much of it to each rank from where on.</summary>
    public byte* Out { get; }

    public int* OutCounts => _numbers;

    public int* OutOffsets => _numbers + _to.Length;

    /// <summary>Where a round's rows arrive, and how much from each rank where.</summary>
    public byte* In { get; }

    public int* InCounts => _numbers + 2 * _to.Length;

    public int* InOffsets => _numbers + 3 * _to.Length;

    /// <summary>Makes the next round ready; every rank has as many.</summary>
    /// <param name="rows">all that this rank sends</param>
    /// <returns>whether there is one</returns>
    public bool Load(byte* rows)
    {
        if (++_round == _rounds)
        {
            return false;
        }

        Lay(_to, OutCounts, OutOffsets);
        Lay(_from, InCounts, InOffsets);
        Move(_to, (rank, at) => Buffer.MemoryCopy(rows + at, Out + OutOffsets[rank], OutCounts[rank], OutCounts[rank]));
        return true;
    }

    /// <summary>Takes what has arrived.</summary>
    /// <param name="rows">all that this rank receives</param>
    public void Unload(byte* rows) =>
        Move(_from, (rank, at) => Buffer.MemoryCopy(In + InOffsets[rank], rows + at, InCounts[rank], InCounts[rank]));

    public void Dispose()
    {
        NativeMemory.Free(_numbers);
        NativeMemory.Free(Out);
        NativeMemory.Free(In);
    }

    private void Lay(long[] bytes, int* counts, int* offsets)
    {
        for (int rank = 0, offset = 0; rank < bytes.Length; offset += counts[rank++])
        {
            counts[rank] = (int)Math.Clamp(bytes[rank] - _round * _piece, 0, _piece);
            offsets[rank] = offset;
        }
    }

    /// <summary>Moves each rank's piece of this round; <paramref name="move"/> is told where the piece begins among all bytes.</summary>
    private void Move(long[] bytes, Action<int, long> move)
    {
        long start = 0;
        for (int rank = 0; rank < bytes.Length; start += bytes[rank++])
        {
            if (bytes[rank] > _round * _piece)
            {
                move(rank, start + _round * _piece);
            }
        }
    }
}
