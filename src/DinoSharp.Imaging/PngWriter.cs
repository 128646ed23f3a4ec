using SkiaSharp;

namespace DinoSharp.Imaging;

/// <summary>Writes grey, RGB and RGBA images as PNG, without loss.</summary>
public static class PngWriter
{
    /// <summary>Encodes into a file, replacing one that is there.</summary>
    public static void Save(PixelImage image, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using SKData png = EncodeData(image);
        using FileStream file = File.Create(path);
        png.SaveTo(file);
    }

    /// <summary>The bytes of a PNG file.</summary>
    public static byte[] Encode(PixelImage image)
    {
        using SKData png = EncodeData(image);
        return png.ToArray();
    }

    private static unsafe SKData EncodeData(PixelImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        (SKColorType color, SKAlphaType alpha) = image.Channels switch
        {
            1 => (SKColorType.Gray8, SKAlphaType.Opaque),
            3 => (SKColorType.Rgb888x, SKAlphaType.Opaque),
            4 => (SKColorType.Rgba8888, SKAlphaType.Unpremul),
            _ => throw new ArgumentException($"PNG holds 1, 3 or 4 channels, and the image has {image.Channels}.", nameof(image)),
        };
        SKImageInfo info = new(image.Width, image.Height, color, alpha);
        bool widens = image.Channels == 3;
        using PooledBytes packed = new(widens ? checked(info.BytesSize + PixelImage.Slack) : 0);
        if (widens)
        {
            RgbaPacking.Widen(image.PixelsAndSlack, packed.Span, image.Width * image.Height);
        }

        fixed (byte* pixels = widens ? packed.Span : image.Pixels)
        {
            using SKPixmap pixmap = new(info, (nint)pixels);
            return pixmap.Encode(SKPngEncoderOptions.Default) ?? throw new InvalidOperationException("The PNG encoder failed.");
        }
    }
}
