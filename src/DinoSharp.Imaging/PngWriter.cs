using SkiaSharp;

namespace DinoSharp.Imaging;

/// <summary>Writes RGB and grey images as PNG, without loss.</summary>
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
        bool grey = image.Channels == 1;
        SKImageInfo info = new(image.Width, image.Height, grey ? SKColorType.Gray8 : SKColorType.Rgb888x, SKAlphaType.Opaque);
        using PooledBytes packed = new(grey ? 0 : checked(info.BytesSize + PixelImage.Slack));
        if (!grey)
        {
            RgbaPacking.Widen(image.PixelsAndSlack, packed.Span, image.Width * image.Height);
        }

        fixed (byte* pixels = grey ? image.Pixels : packed.Span)
        {
            using SKPixmap pixmap = new(info, (nint)pixels);
            return pixmap.Encode(SKPngEncoderOptions.Default) ?? throw new InvalidOperationException("The PNG encoder failed.");
        }
    }
}
