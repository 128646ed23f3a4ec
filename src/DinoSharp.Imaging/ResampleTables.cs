using System.Collections.Concurrent;

namespace DinoSharp.Imaging;

/// <summary>
/// The tables that were made last, for neither where a crop lies nor what it shows matters to them. A table has one place where it can
/// be, and its memory goes on to the next table there: nothing is allocated once the tables have had their largest sizes. As many sets
/// come into being as threads resample at once, and later threads go on with those of earlier ones.
/// </summary>
internal sealed class ResampleTables : IDisposable
{
    /// <summary>Enough for every crop of images of 32 pixels to the sizes 32 and 16.</summary>
    private const int Places = 64;

    /// <summary>Larger ones (the weights of an image of gigapixels, say) are not kept.</summary>
    private const int MostWeights = 1 << 17;

    private static readonly ConcurrentBag<ResampleTables> Unused = [];

    private readonly ResampleTable?[] _across = new ResampleTable?[Places];
    private readonly ResampleTable?[] _down = new ResampleTable?[Places];

    private ResampleTables()
    {
    }

    /// <summary>A set for one resampling; dispose it, and use its tables no more afterwards.</summary>
    public static ResampleTables Rent() => Unused.TryTake(out ResampleTables? tables) ? tables : new ResampleTables();

    /// <summary>A table for rows.</summary>
    public ResampleTable Across(int sourceSize, double extent, int size, ResampleFilter filter) =>
        Find(_across, sourceSize, extent, size, filter, ResampleTable.LayoutAlongRows);

    /// <summary>A table for columns.</summary>
    public ResampleTable Down(int sourceSize, double extent, int size, ResampleFilter filter) =>
        Find(_down, sourceSize, extent, size, filter, WeightLayout.Halves);

    public void Dispose() => Unused.Add(this);

    private static ResampleTable Find(
        ResampleTable?[] tables, int sourceSize, double extent, int size, ResampleFilter filter, WeightLayout layout)
    {
        int place = (sourceSize + 2 * size + 21 * (int)filter) % Places;
        ResampleTable table = tables[place] ?? new ResampleTable();
        if (!table.IsFor(sourceSize, extent, size, filter))
        {
            tables[place] = null; // should filling fail, nothing half made remains
            table.Fill(sourceSize, extent, size, filter, layout);
            tables[place] = table.Weights.Length <= MostWeights ? table : null;
        }

        return table;
    }
}
