namespace DinoSharp.Imaging;

/// <summary>
/// Decodes JPEG by the system's TurboJPEG, which has the vector instructions that SkiaSharp's build of the same library lacks. The
/// pixels go straight to where they stay.
/// </summary>
internal static unsafe class TurboJpeg
{
    // Constants of turbojpeg.h.
    private const int FormatRgb = 0, FormatGrey = 6, FormatRgba = 7, ColorSpaceGrey = 2, ColorSpaceCmyk = 3, StopOnWarning = 8192;

    /// <summary>The library's file name; null if the system has none.</summary>
    public static string? LibraryName => TurboJpegLibrary.Instance?.Name;

    /// <summary>
    /// Decodes a plain JPEG, not turned yet. Null if there is no library, if it has any complaint, or sees another size than the header.
    /// </summary>
    /// <exception cref="ImageFormatException">The image is larger than allowed.</exception>
    public static PixelImage? TryDecode(ReadOnlySpan<byte> encoded, string name, in JpegHeader header, DecodeOptions options, int orientation)
    {
        if (TurboJpegLibrary.Instance is not { } library)
        {
            return null;
        }

        // One for each file, which takes a microsecond or two of the thousand that decoding takes: a decompressor keeps its tables, and
        // a file that lacks some would be decoded by those of the file before it. After a complaint about a header it even goes on in it.
        nint decompressor = library.InitDecompress();
        if (decompressor == 0)
        {
            return null; // there was no memory for it
        }

        try
        {
            return TryDecode(library, decompressor, encoded, name, header, options, orientation);
        }
        finally
        {
            library.Destroy(decompressor);
        }
    }

    private static PixelImage? TryDecode(
        TurboJpegLibrary library,
        nint decompressor,
        ReadOnlySpan<byte> encoded,
        string name,
        in JpegHeader header,
        DecodeOptions options,
        int orientation)
    {
        fixed (byte* jpeg = encoded)
        {
            if (!library.DecompressHeader(decompressor, jpeg, encoded.Length, out int width, out int height, out int colorSpace)
                || (width, height) != (header.Width, header.Height) || colorSpace >= ColorSpaceCmyk)
            {
                return null;
            }

            ImageDecoder.CheckSize(width, height, name, options);
            int divisor = ImageDecoder.Divisor(options, width, height, orientation);
            PixelImage image = new((width - 1) / divisor + 1, (height - 1) / divisor + 1, options.Channels);
            bool decoded = options.Channels == 1 && colorSpace != ColorSpaceGrey
                ? DecodeLuma(library, decompressor, jpeg, encoded.Length, image)
                : DecodeInto(library, decompressor, jpeg, encoded.Length, image, image.Pixels, image.Channels);
            if (!decoded)
            {
                image.Dispose();
                return null;
            }

            return image;
        }
    }

    /// <summary>Pillow's grey of a colour JPEG is the luma of its RGB, rounded and clamped as that is, and not the stored luma.</summary>
    private static bool DecodeLuma(TurboJpegLibrary library, nint decompressor, byte* jpeg, int length, PixelImage image)
    {
        using PooledBytes rgba = new(RgbaPacking.BufferSize(image.Width * image.Height));
        if (!DecodeInto(library, decompressor, jpeg, length, image, rgba.Span, channels: 4))
        {
            return false;
        }

        RgbaPacking.ToLuma(rgba.Span, image.PixelsAndSlack, image.Width * image.Height);
        return true;
    }

    private static bool DecodeInto(
        TurboJpegLibrary library, nint decompressor, byte* jpeg, int length, PixelImage size, Span<byte> pixels, int channels)
    {
        int format = channels switch
        {
            1 => FormatGrey,
            3 => FormatRgb,
            _ => FormatRgba,
        };
        fixed (byte* target = pixels)
        {
            return library.Decompress(
                decompressor, jpeg, length, target, size.Width, size.Width * channels, size.Height, format, StopOnWarning);
        }
    }
}
