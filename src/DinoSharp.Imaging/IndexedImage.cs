namespace DinoSharp.Imaging;

/// <summary>An image of numbers that stand for classes or objects, each with a colour to be seen in: a segmentation.</summary>
public sealed class IndexedImage
{
    /// <summary>Colours there can be.</summary>
    public const int MostColors = 256;

    private readonly PixelColor[] _palette;

    /// <summary>An image that takes over the arrays.</summary>
    /// <param name="width">columns, at least 1</param>
    /// <param name="height">rows, at least 1</param>
    /// <param name="indices">row-major // [Height, Width]</param>
    /// <param name="palette">colours by index, at most 256; indices beyond it have none</param>
    /// <exception cref="ArgumentException">The numbers do not fit each other.</exception>
    public IndexedImage(int width, int height, byte[] indices, PixelColor[]? palette = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentNullException.ThrowIfNull(indices);
        _palette = palette ?? DavisPalette;
        if (indices.LongLength != (long)width * height || _palette.Length > MostColors)
        {
            throw new ArgumentException($"{width} x {height} pixels do not have {indices.Length} indices into {_palette.Length} colours");
        }

        (Width, Height, Indices) = (width, height, indices);
    }

    /// <summary>
    /// The colours of the masks of DAVIS: the first 22 are those of PASCAL VOC with 191 for its 192, the others steps of grey.
    /// </summary>
    public static PixelColor[] DavisPalette { get; } = [.. Enumerable.Range(0, MostColors).Select(Davis)];

    public int Width { get; }

    public int Height { get; }

    /// <summary>The numbers, row-major // [Height, Width]</summary>
    public byte[] Indices { get; }

    /// <summary>Colours by index, at most 256.</summary>
    public ReadOnlySpan<PixelColor> Palette => _palette;

    /// <summary>The same in another size, each pixel that of the nearest: as Pillow resizes with NEAREST.</summary>
    public IndexedImage Resize(int width, int height)
    {
        int[] columns = Nearest(Width, width), rows = Nearest(Height, height);
        byte[] indices = new byte[checked(width * height)];
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> from = Indices.AsSpan(rows[y] * Width, Width);
            Span<byte> to = indices.AsSpan(y * width, width);
            for (int x = 0; x < to.Length; x++)
            {
                to[x] = from[columns[x]];
            }
        }

        return new IndexedImage(width, height, indices, _palette);
    }

    /// <summary>Where the middle of each new pixel lies in the old ones, added up step by step as Pillow does.</summary>
    private static int[] Nearest(int from, int to)
    {
        int[] sources = new int[to];
        double step = (double)from / to, at = step * 0.5;
        for (int i = 0; i < to; i++, at += step)
        {
            sources[i] = Math.Min((int)at, from - 1);
        }

        return sources;
    }

    /// <summary>Of an index's bits, three at a time, each gives one of red, green and blue: the first their highest bit.</summary>
    private static PixelColor Davis(int index)
    {
        const int coloured = 22;
        if (index >= coloured)
        {
            return new PixelColor((byte)index, (byte)index, (byte)index);
        }

        return new PixelColor(Level(index), Level(index >> 1), Level(index >> 2));

        static byte Level(int bits) => (byte)((bits & 1, (bits >> 3) & 1) switch
        {
            (0, 0) => 0,
            (0, _) => 64,
            (_, 0) => 128,
            _ => 191,
        });
    }
}
