using SkiaSharp;

namespace DinoSharp.Imaging;

/// <summary>
/// Decodes JPEG, PNG, WebP, BMP, GIF (its first frame), ICO and TIFF (its first page) to 8-bit RGB, as Pillow's
/// <c>convert("RGB")</c> does: grey is replicated, palettes are looked up, alpha is dropped, colour profiles and EXIF orientation are
/// left alone. Samples of 16 bits are scaled to 8.
/// </summary>
public static class ImageDecoder
{
    private static readonly DecodeOptions DefaultOptions = new();

    /// <summary>Reads and decodes a file.</summary>
    /// <exception cref="ImageFormatException">The file is no image, damaged, truncated, or larger than allowed.</exception>
    public static PixelImage Load(string path, DecodeOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        if (file.Length > Array.MaxLength)
        {
            throw new ImageFormatException(path, "the file is larger than 2 GB");
        }

        using PooledBytes encoded = new((int)file.Length);
        file.ReadExactly(encoded.Span);
        return Decode(encoded.Span, path, options);
    }

    /// <summary>Decodes a file's bytes.</summary>
    /// <param name="encoded">The whole file.</param>
    /// <param name="name">What errors call the image.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <exception cref="ImageFormatException">The bytes are no image, damaged, truncated, or it is larger than allowed.</exception>
    public static PixelImage Decode(ReadOnlySpan<byte> encoded, string name, DecodeOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (encoded.IsEmpty)
        {
            throw new ImageFormatException(name, "the file is empty");
        }

        options ??= DefaultOptions;
        return TiffReader.Recognises(encoded) ? TiffReader.Decode(encoded, name, options) : DecodeBySkia(encoded, name, options);
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
    }

    private static unsafe PixelImage DecodeBySkia(ReadOnlySpan<byte> encoded, string name, DecodeOptions options)
    {
        fixed (byte* bytes = encoded)
        {
            using SKData data = SKData.Create((nint)bytes, encoded.Length);
            using SKCodec codec = SKCodec.Create(data)
                ?? throw new ImageFormatException(name, "not an image of a known format, or its header is damaged");
            CheckSize(codec.Info.Width, codec.Info.Height, name, options);

            // Without a colour space Skia leaves the samples as they are; unpremultiplied, those under alpha too.
            SKAlphaType alpha = codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul;
            SKImageInfo info = new(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, alpha, colorspace: null);
            using PooledBytes rgba = new(checked(info.BytesSize + PixelImage.Slack));
            fixed (byte* pixels = rgba.Span)
            {
                SKCodecResult result = codec.GetPixels(info, (nint)pixels);
                if (result != SKCodecResult.Success)
                {
                    throw new ImageFormatException(name, Describe(result));
                }
            }

            PixelImage image = new(info.Width, info.Height);
            RgbaPacking.Narrow(rgba.Span, image.PixelsAndSlack, info.Width * info.Height);
            return image;
        }
    }

    private static string Describe(SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => "the file is truncated",
        SKCodecResult.ErrorInInput => "the image data are damaged",
        SKCodecResult.Unimplemented or SKCodecResult.InvalidConversion => "this variety of the format cannot be decoded",
        _ => $"decoding failed ({result})",
    };
}
