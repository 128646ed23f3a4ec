using System.Runtime.InteropServices;

namespace DinoSharp.Imaging;

/// <summary>
/// Decodes JPEG by the system's TurboJPEG, which has the vector instructions that SkiaSharp's build of the same library lacks. The
/// pixels go straight to where they stay.
/// </summary>
internal static unsafe class TurboJpeg
{
    // Constants of turbojpeg.h.
    private const int FormatRgb = 0, FormatGrey = 6, FormatRgba = 7, ColorSpaceGrey = 2, ColorSpaceCmyk = 3, StopOnWarning = 8192;

    [ThreadStatic]
    private static Decompressor? s_decompressor;

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

        s_decompressor ??= new Decompressor(library);
        if (s_decompressor.IsInvalid)
        {
            return null; // there was no memory for it
        }

        nint handle = s_decompressor.DangerousGetHandle(); // the thread that uses it keeps it
        fixed (byte* jpeg = encoded)
        {
            if (!library.DecompressHeader(handle, jpeg, encoded.Length, out int width, out int height, out int colorSpace)
                || (width, height) != (header.Width, header.Height) || colorSpace >= ColorSpaceCmyk)
            {
                return null;
            }

            ImageDecoder.CheckSize(width, height, name, options);
            int divisor = ImageDecoder.Divisor(options, width, height, orientation);
            PixelImage image = new((width - 1) / divisor + 1, (height - 1) / divisor + 1, options.Channels);
            bool decoded = options.Channels == 1 && colorSpace != ColorSpaceGrey
                ? DecodeLuma(library, handle, jpeg, encoded.Length, image)
                : DecodeInto(library, handle, jpeg, encoded.Length, image, image.Pixels, image.Channels);
            if (!decoded)
            {
                image.Dispose();
                return null;
            }

            return image;
        }
    }

    /// <summary>Pillow's grey of a colour JPEG is the luma of its RGB, rounded and clamped as that is, and not the stored luma.</summary>
    private static bool DecodeLuma(TurboJpegLibrary library, nint handle, byte* jpeg, int length, PixelImage image)
    {
        using PooledBytes rgba = new(RgbaPacking.BufferSize(image.Width * image.Height));
        if (!DecodeInto(library, handle, jpeg, length, image, rgba.Span, channels: 4))
        {
            return false;
        }

        RgbaPacking.ToLuma(rgba.Span, image.PixelsAndSlack, image.Width * image.Height);
        return true;
    }

    private static bool DecodeInto(TurboJpegLibrary library, nint handle, byte* jpeg, int length, PixelImage size, Span<byte> pixels, int channels)
    {
        int format = channels switch
        {
            1 => FormatGrey,
            3 => FormatRgb,
            _ => FormatRgba,
        };
        fixed (byte* target = pixels)
        {
            return library.Decompress(handle, jpeg, length, target, size.Width, size.Width * channels, size.Height, format, StopOnWarning);
        }
    }

    /// <summary>A decompressor, which serves one thread and is destroyed after that has ended.</summary>
    private sealed class Decompressor : SafeHandle
    {
        private readonly TurboJpegLibrary _library;

        public Decompressor(TurboJpegLibrary library)
            : base(0, ownsHandle: true)
        {
            _library = library;
            SetHandle(library.InitDecompress());
        }

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            _library.Destroy(handle);
            return true;
        }
    }
}
