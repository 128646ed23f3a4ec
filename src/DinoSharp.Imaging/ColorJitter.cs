namespace DinoSharp.Imaging;

/// <summary>Colour changes of a given strength, in place, equal to torchvision's <c>adjust_*</c> functions on Pillow images.</summary>
public static class ColorJitter
{
    /// <summary>Multiplies by <paramref name="factor"/>: 0 gives black, 1 the image itself.</summary>
    public static void Brightness(PixelImage image, float factor)
    {
        Check(image, factor);
        foreach (ref byte sample in image.Pixels)
        {
            sample = Blend(0, sample, factor);
        }
    }

    /// <summary>Away from the mean luma by <paramref name="factor"/>: 0 gives flat grey, 1 the image itself.</summary>
    public static void Contrast(PixelImage image, float factor)
    {
        Check(image, factor);
        Span<byte> p = image.Pixels;
        long sum = 0;
        for (int i = 0; i < p.Length; i += 3)
        {
            sum += Luma.Of(p[i], p[i + 1], p[i + 2]);
        }

        int mean = (int)((double)sum / (p.Length / 3) + 0.5);
        foreach (ref byte sample in p)
        {
            sample = Blend(mean, sample, factor);
        }
    }

    /// <summary>Away from each pixel's luma by <paramref name="factor"/>: 0 gives a grey image, 1 the image itself.</summary>
    public static void Saturation(PixelImage image, float factor)
    {
        Check(image, factor);
        Span<byte> p = image.Pixels;
        for (int i = 0; i < p.Length; i += 3)
        {
            int luma = Luma.Of(p[i], p[i + 1], p[i + 2]);
            p[i] = Blend(luma, p[i], factor);
            p[i + 1] = Blend(luma, p[i + 1], factor);
            p[i + 2] = Blend(luma, p[i + 2], factor);
        }
    }

    /// <summary>Turns the hue by <paramref name="shift"/> of the colour circle, through Pillow's 8-bit HSV.</summary>
    /// <param name="image">An RGB image.</param>
    /// <param name="shift">Part of the circle, from -0.5 to 0.5.</param>
    public static void Hue(PixelImage image, float shift)
    {
        ArgumentNullException.ThrowIfNull(image);
        image.RequireRgb();
        ArgumentOutOfRangeException.ThrowIfNotEqual(Math.Abs(shift) <= 0.5f, true, nameof(shift));
        Span<byte> p = image.Pixels;
        int turn = (int)(shift * 255.0);
        for (int i = 0; i < p.Length; i += 3)
        {
            (int h, int s, int v) = Hsv.FromRgb(p[i], p[i + 1], p[i + 2]);
            (p[i], p[i + 1], p[i + 2]) = Hsv.ToRgb((byte)(h + turn), s, v);
        }
    }

    private static byte Blend(int from, int to, float factor) => (byte)Math.Clamp((int)(from + factor * (to - from)), 0, 255);

    private static void Check(PixelImage image, float factor)
    {
        ArgumentNullException.ThrowIfNull(image);
        image.RequireRgb();
        ArgumentOutOfRangeException.ThrowIfNotEqual(float.IsFinite(factor) && factor >= 0, true, nameof(factor));
    }
}
