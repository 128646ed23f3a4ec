namespace DinoSharp.Imaging;

/// <summary>Operations without a strength, in place, equal to those of Pillow's <c>ImageOps</c>.</summary>
public static class PixelOperations
{
    /// <summary>Each pixel's luma (ITU-R 601-2) in all three channels.</summary>
    public static void Grayscale(PixelImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        image.RequireRgb();
        Span<byte> p = image.Pixels;
        for (int i = 0; i < p.Length; i += 3)
        {
            p[i] = p[i + 1] = p[i + 2] = (byte)Luma.Of(p[i], p[i + 1], p[i + 2]);
        }
    }

    /// <summary>Inverts the samples of <paramref name="threshold"/> and above.</summary>
    public static void Solarize(PixelImage image, byte threshold = 128)
    {
        ArgumentNullException.ThrowIfNull(image);
        foreach (ref byte sample in image.Pixels)
        {
            sample = sample < threshold ? sample : (byte)(255 - sample);
        }
    }

    /// <summary>Mirrors left and right.</summary>
    public static void FlipHorizontal(PixelImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        int stride = image.Width * image.Channels;
        for (int y = 0; y < image.Height; y++)
        {
            Span<byte> row = image.Pixels.Slice(y * stride, stride);
            row.Reverse();
            for (int x = 0; image.Channels == 3 && x < stride; x += 3)
            {
                (row[x], row[x + 2]) = (row[x + 2], row[x]);
            }
        }
    }
}
