namespace DinoSharp.Imaging.Tests.ScalarTwins;

/// <summary>The changes of colour pixel by pixel, as Pillow's C code states them, double precision and all.</summary>
internal static class ColourTwin
{
    public static void Brightness(PixelImage image, float factor) => Blend(image, factor, _ => 0);

    public static void Contrast(PixelImage image, float factor)
    {
        double sum = 0;
        int count = image.Channels == 3 ? image.Pixels.Length / 3 : image.Pixels.Length;
        for (int i = 0; i < count; i++)
        {
            sum += image.Channels == 3 ? LumaOf(image, 3 * i) : image.Pixels[i];
        }

        int mean = (int)(sum / count + 0.5);
        Blend(image, factor, _ => mean);
    }

    public static void Saturation(PixelImage image, float factor)
    {
        using PixelImage before = Fixture.Copy(image);
        Blend(image, factor, i => LumaOf(before, i / 3 * 3));
    }

    public static void Grayscale(PixelImage image)
    {
        for (int i = 0; i < image.Pixels.Length; i += 3)
        {
            image.Pixels.Slice(i, 3).Fill((byte)LumaOf(image, i));
        }
    }

    public static void Solarize(PixelImage image, int threshold)
    {
        foreach (ref byte sample in image.Pixels)
        {
            sample = sample < threshold ? sample : (byte)(255 - sample);
        }
    }

    public static void Hue(PixelImage image, float shift)
    {
        for (int i = 0; i < image.Pixels.Length; i += 3)
        {
            (byte h, byte s, byte v) = ToHsv(image.Pixels[i], image.Pixels[i + 1], image.Pixels[i + 2]);
            h = unchecked((byte)(h + (int)(shift * 255.0)));
            (image.Pixels[i], image.Pixels[i + 1], image.Pixels[i + 2]) = ToRgb(h, s, v);
        }
    }

    private static int LumaOf(PixelImage image, int i) =>
        (image.Pixels[i] * 19595 + image.Pixels[i + 1] * 38470 + image.Pixels[i + 2] * 7471 + 32768) >> 16;

    private static void Blend(PixelImage image, float factor, Func<int, int> plain)
    {
        for (int i = 0; i < image.Pixels.Length; i++)
        {
            int less = plain(i);
            float product = factor * (image.Pixels[i] - less);
            float blend = less + product;
            image.Pixels[i] = blend <= 0 ? (byte)0 : blend >= 255 ? (byte)255 : (byte)blend;
        }
    }

    private static (byte H, byte S, byte V) ToHsv(byte r, byte g, byte b)
    {
        byte max = Math.Max(r, Math.Max(g, b)), min = Math.Min(r, Math.Min(g, b));
        if (max == min)
        {
            return (0, 0, max);
        }

        float range = max - min, saturation = range / max;
        float rc = (max - r) / range, gc = (max - g) / range, bc = (max - b) / range;
        float hue = r == max ? bc - gc : g == max ? (float)(2.0 + rc - bc) : (float)(4.0 + gc - rc);
        hue = (float)((hue / 6.0 + 1.0) % 1.0);
        return ((byte)(int)(hue * 255.0), (byte)(int)(saturation * 255.0), max);
    }

    private static (byte R, byte G, byte B) ToRgb(byte h, byte s, byte v)
    {
        if (s == 0)
        {
            return (v, v, v);
        }

        float hue = (float)(h * 6.0 / 255.0);
        int sector = (int)Math.Floor(hue);
        float f = hue - sector, fs = (float)(s / 255.0);
        byte p = Round(v * (1.0 - fs)), q = Round(v * (1.0 - fs * f)), t = Round(v * (1.0 - fs * (1.0 - f)));
        return (sector % 6) switch
        {
            0 => (v, t, p),
            1 => (q, v, p),
            2 => (p, v, t),
            3 => (p, q, v),
            4 => (t, p, v),
            _ => (v, p, q),
        };
    }

    private static byte Round(double value) => (byte)Math.Round(value, MidpointRounding.AwayFromZero);
}
