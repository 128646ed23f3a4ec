namespace DinoSharp.Imaging;

/// <summary>What <see cref="ImageDecoder"/> accepts.</summary>
public sealed record DecodeOptions
{
    /// <summary>The default of <see cref="MaxPixels"/>: where Pillow, too, takes an image for a decompression bomb.</summary>
    public const long DefaultMaxPixels = 178_956_970;

    private readonly long _maxPixels = DefaultMaxPixels;

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
}
