using static TorchSharp.torch;

namespace DinoSharp.Models.Products;

/// <summary>Parts of the rows of a matrix, each computed by one thread: first parts of the rows whose branch is kept, then of those whose it is dropped.</summary>
/// <param name="kept">which are, in rising order; null: all</param>
/// <param name="count">how many, at least 14</param>
/// <param name="dropped">the others</param>
/// <param name="droppedCount">how many</param>
/// <param name="scale">of the branches that are kept</param>
internal readonly unsafe struct RowParts(int* kept, nint count, int* dropped, nint droppedCount, float scale)
{
    /// <summary>The last of a matrix's parts may have nearly two.</summary>
    public const int MostRows = (2 * RowProduct.RowsOfPart) - 1;

    private readonly int* _kept = kept;
    private readonly int* _dropped = dropped;
    private readonly nint _droppedCount = droppedCount;

    /// <summary>Parts of a matrix of which every row is computed.</summary>
    /// <param name="rows">at least 14</param>
    public static RowParts Whole(long rows) => new(null, (nint)rows, null, 0, 1);

    /// <summary>Rows whose branch is kept.</summary>
    public nint Count { get; } = count;

    /// <summary>Of the branches that are kept.</summary>
    public float Scale { get; } = scale;

    /// <summary>Parts of the rows that are kept.</summary>
    public int Kept => Math.Max(1, (int)(Count / RowProduct.RowsOfPart));

    /// <summary>All parts.</summary>
    public int All => Kept + (int)((_droppedCount + RowProduct.RowsOfPart - 1) / RowProduct.RowsOfPart);

    /// <summary>
    /// Memory for a matrix of the kept rows, as large as one of all rows: what differs in size from step to step leaves gaps on the heap that
    /// nothing fits.
    /// </summary>
    /// <param name="length">of a row</param>
    /// <returns>// [T', length]</returns>
    public Tensor Room(long length)
    {
        using var room = empty(Count + _droppedCount, length);
        return room.narrow(0, 0, Count);
    }

    /// <summary>The first of a part's rows among those that are kept, and how many it has.</summary>
    public (nint First, nint Count) Range(int part)
    {
        nint first = (nint)part * RowProduct.RowsOfPart;
        return (first, part == Kept - 1 ? Count - first : RowProduct.RowsOfPart);
    }

    /// <summary>Where a kept row lies in the matrix.</summary>
    public nint Row(nint index) => _kept == null ? index : _kept[index];

    /// <summary>Copies the rows of a part of those that are dropped.</summary>
    public void CopyDropped(int part, float* from, float* to, nint length)
    {
        foreach (int dropped in Dropped(part))
        {
            nint row = dropped * length;
            new Span<float>(from + row, (int)length).CopyTo(new Span<float>(to + row, (int)length));
        }
    }

    /// <summary>Writes zeros into the rows of a part of those that are dropped.</summary>
    public void ClearDropped(int part, float* to, nint length)
    {
        foreach (int dropped in Dropped(part))
        {
            new Span<float>(to + dropped * length, (int)length).Clear();
        }
    }

    private ReadOnlySpan<int> Dropped(int part)
    {
        nint first = (nint)(part - Kept) * RowProduct.RowsOfPart;
        return new(_dropped + first, (int)Math.Min(RowProduct.RowsOfPart, _droppedCount - first));
    }
}
