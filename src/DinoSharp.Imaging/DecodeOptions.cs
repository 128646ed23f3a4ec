namespace DinoSharp.Imaging;

/// <summary>What <see cref="ImageDecoder"/> accepts.</summary>
public sealed record DecodeOptions
{
    /// <summary>The default of <see cref="MaxPixels"/>: where Pillow, too, takes an image for a decompression bomb.</summary>
    public const long DefaultMaxPixels = 178_956_970;

    private readonly long _maxPixels = DefaultMaxPixels;
    private readonly int _channels = 3;

    /// <summary>
    /// Images that declare more pixels (width times height) than this are refused before they are decoded.
    /// At most 2^29 - 1, as the decoder needs four bytes a pixel in one array.
    /// </summary>
    public long MaxPixels
    {
        get => _maxPixels;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, (1L << 29) - 1);
            _maxPixels = value;
        }
    }

    /// <summary>Channels of the result: 1 for grey (luma), 3 for RGB, 4 for RGB and alpha; any other number only an array file can have.</summary>
    public int Channels
    {
        get => _channels;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            _channels = value;
        }
    }

    /// <summary>
    /// Whether a photograph (JPEG or WebP) is turned as its EXIF orientation says. By default it is not: the published pipeline ignores
    /// it. A TIFF page is turned always, as orientation is one of that format's own fields.
    /// </summary>
    public bool ApplyOrientation { get; init; }

    /// <summary>
    /// What shows through transparent pixels. Null, the default, drops alpha as Pillow does, and shows the colours under it. The fourth
    /// channel of an array file is no alpha.
    /// </summary>
    public PixelColor? Background { get; init; }

    /// <summary>
    /// By what an image of a width and height (those of the turned picture) may be divided while it is decoded: 1, 2, 4 or 8, whatever of
    /// these is asked for; sizes are rounded up. Only JPEG files are, in the frequencies before they become pixels. Null for never.
    /// It may be called more than once for an image, and from many threads.
    /// </summary>
    public Func<int, int, int>? Reduction { get; init; }
}
