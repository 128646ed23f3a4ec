namespace DinoSharp.Imaging;

/// <summary>
/// The tables that a thread has made last, for neither where a crop lies nor what it shows matters to them. A table has one place
/// where it can be, and its memory goes on to the next table there: nothing is allocated once the tables have had their largest sizes.
/// </summary>
internal sealed class ResampleTables
{
    /// <summary>Enough for every crop of images of 32 pixels to the sizes 32 and 16.</summary>
    private const int Places = 64;

    /// <summary>Larger ones (the weights of an image of gigapixels, say) are not kept.</summary>
    private const int MostWeights = 1 << 17;

    [ThreadStatic]
    private static ResampleTables? s_across;

    [ThreadStatic]
    private static ResampleTables? s_down;

    private readonly ResampleTable?[] _tables = new ResampleTable?[Places];
    private readonly WeightLayout _layout;

    private ResampleTables(WeightLayout layout) => _layout = layout;

    /// <summary>Those for rows. A table is valid until the same thread asks for another one for rows.</summary>
    public static ResampleTables Across => s_across ??= new ResampleTables(ResampleTable.LayoutAlongRows);

    /// <summary>Those for columns.</summary>
    public static ResampleTables Down => s_down ??= new ResampleTables(WeightLayout.Halves);

    public ResampleTable For(int sourceSize, int size, ResampleFilter filter)
    {
        int place = (sourceSize + 2 * size + 21 * (int)filter) % Places;
        ResampleTable table = _tables[place] ?? new ResampleTable();
        if (!table.IsFor(sourceSize, size, filter))
        {
            _tables[place] = null; // should filling fail, nothing half made remains
            table.Fill(sourceSize, size, filter, _layout);
            _tables[place] = table.Weights.Length <= MostWeights ? table : null;
        }

        return table;
    }
}
