using Microsoft.Win32.SafeHandles;

namespace DinoSharp.Imaging;

/// <summary>
/// Decodes JPEG, PNG, WebP, BMP, GIF (its first frame), ICO, TIFF (its first page) and NumPy's .npy to 8-bit grey, RGB or RGBA, as
/// Pillow's <c>convert</c> does: grey is replicated, palettes are looked up, and unless <see cref="DecodeOptions"/> say otherwise alpha is
/// dropped and EXIF orientation ignored. Colour profiles are left alone always. Samples of 16 bits are brought to 8. An array file may
/// have any number of channels.
/// </summary>
public static class ImageDecoder
{
    private static readonly DecodeOptions DefaultOptions = new();

    /// <summary>
    /// What decodes ordinary JPEG files in this process, for a line in a report: "TurboJPEG" with its library's name where the system
    /// has one, else "SkiaSharp". Both give the same pixels; the first takes less time.
    /// </summary>
    public static string JpegCodec => TurboJpeg.LibraryName is { } library ? $"TurboJPEG ({library})" : "SkiaSharp";

    /// <summary>Reads and decodes a file.</summary>
    /// <exception cref="ImageFormatException">The file is no image, damaged, truncated, or larger than allowed.</exception>
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    public static PixelImage Load(string path, DecodeOptions? options = null)
    {
        using PooledBytes encoded = ReadFile(path);
        return Decode(encoded.Span, path, options);
    }

    /// <summary>Decodes a file's bytes.</summary>
    /// <param name="encoded">The whole file.</param>
    /// <param name="name">What errors call the image.</param>
    /// <param name="options">What is made of the image, and limits; null for the defaults.</param>
    /// <exception cref="ImageFormatException">The bytes are no image, damaged, truncated, or it is larger than allowed.</exception>
    public static PixelImage Decode(ReadOnlySpan<byte> encoded, string name, DecodeOptions? options = null) =>
        Decode(encoded, name, options, useTurbo: true);

    /// <summary>As the public one, but without TurboJPEG if a test wants to see what machines that lack it get.</summary>
    internal static PixelImage Decode(ReadOnlySpan<byte> encoded, string name, DecodeOptions? options, bool useTurbo)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (encoded.IsEmpty)
        {
            throw new ImageFormatException(name, "the file is empty");
        }

        options ??= DefaultOptions;
        if (NpyReader.Recognises(encoded))
        {
            return NpyReader.Decode(encoded, name, options);
        }

        if (options.Channels is not (1 or 3 or 4))
        {
            throw new ImageFormatException(name, $"{options.Channels} channels are asked for, which only an array file (.npy) can have");
        }

        if (TiffReader.Recognises(encoded))
        {
            return TiffReader.Decode(encoded, name, options);
        }

        return JpegHeader.Recognises(encoded)
            ? DecodeJpeg(encoded, name, options, useTurbo)
            : SkiaReader.Decode(encoded, name, options, orientation: null);
    }

    /// <summary>All bytes of a file, for the caller to dispose.</summary>
    /// <exception cref="ImageFormatException">The file is larger than an array can be.</exception>
    internal static PooledBytes ReadFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using SafeFileHandle file = File.OpenHandle(path);
        long length = RandomAccess.GetLength(file);
        if (length > Array.MaxLength)
        {
            throw new ImageFormatException(path, "the file is larger than 2 GB");
        }

        PooledBytes bytes = new((int)length);
        ReadAll(file, bytes.Span, path);
        return bytes;
    }

    /// <summary>Fills the span from the start of a file, whose length it was when the file was opened.</summary>
    /// <exception cref="ImageFormatException">The file has become shorter.</exception>
    internal static void ReadAll(SafeFileHandle file, Span<byte> bytes, string name)
    {
        for (int done = 0; done < bytes.Length;)
        {
            int read = RandomAccess.Read(file, bytes[done..], done);
            if (read == 0)
            {
                throw new ImageFormatException(name, $"the file became shorter while it was read: {done} of {bytes.Length} bytes are there");
            }

            done += read;
        }
    }

    /// <summary>Refuses an image by the size that its header declares, before memory is taken for it.</summary>
    internal static void CheckSize(long width, long height, string name, DecodeOptions options)
    {
        if (width < 1 || height < 1)
        {
            throw new ImageFormatException(name, "the image declares no pixels");
        }

        if (width > options.MaxPixels / height)
        {
            throw new ImageFormatException(
                name, $"the image declares {width} x {height} pixels, and {options.MaxPixels} are allowed ({nameof(DecodeOptions.MaxPixels)})");
        }

        if (width * height > (Array.MaxLength - PixelImage.Slack) / 4)
        {
            throw new ImageFormatException(name, "the image needs more than 2 GB");
        }
    }

    /// <summary>What <see cref="DecodeOptions.Reduction"/> wants of an image that would have this size once it is turned.</summary>
    internal static int Divisor(DecodeOptions options, int width, int height, int orientation)
    {
        if (options.Reduction is not { } reduction)
        {
            return 1;
        }

        int divisor = ImageOrientation.Transposes(orientation) ? reduction(height, width) : reduction(width, height);
        return divisor is 1 or 2 or 4 or 8
            ? divisor
            : throw new InvalidOperationException($"{nameof(DecodeOptions.Reduction)} gave {divisor}; it may give 1, 2, 4 or 8.");
    }

    /// <summary>
    /// TurboJPEG takes the files that it decodes without a complaint. Skia decides about all others, so that neither results nor
    /// errors depend on what the system has installed.
    /// </summary>
    private static PixelImage DecodeJpeg(ReadOnlySpan<byte> encoded, string name, DecodeOptions options, bool useTurbo)
    {
        JpegHeader header = JpegHeader.Read(encoded);
        if (header.LacksScans)
        {
            throw new ImageFormatException(name, "the file is truncated");
        }

        int orientation = options.ApplyOrientation ? header.Orientation : ImageOrientation.Upright;
        return useTurbo && header.IsPlain && TurboJpeg.TryDecode(encoded, name, header, options, orientation) is { } image
            ? ImageOrientation.Apply(image, orientation)
            : SkiaReader.Decode(encoded, name, options, orientation);
    }
}
