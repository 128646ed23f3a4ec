namespace DinoSharp.Imaging;

/// <summary>Pillow's HSV of three bytes, each 0 to 255.</summary>
internal static class Hsv
{
    public static (int H, int S, int V) FromRgb(int r, int g, int b)
    {
        int max = Math.Max(r, Math.Max(g, b)), min = Math.Min(r, Math.Min(g, b));
        if (max == min)
        {
            return (0, 0, max);
        }

        float range = max - min;
        float rc = (max - r) / range, gc = (max - g) / range, bc = (max - b) / range;
        float h = r == max ? bc - gc : g == max ? (float)(2.0 + rc - bc) : (float)(4.0 + gc - rc);
        h = (float)((h / 6.0 + 1.0) % 1.0);
        float s = range / max;
        return ((int)(h * 255.0), (int)(s * 255.0), max);
    }

    public static (byte R, byte G, byte B) ToRgb(int h, int s, int v)
    {
        float sector = (float)(h * 6.0 / 255.0);
        int i = (int)sector;
        float f = (float)((float)h * 6.0 / 255.0 - i), fs = (float)(s / 255.0);
        byte p = Round(v * (1.0 - fs)), q = Round(v * (1.0 - fs * f)), t = Round(v * (1.0 - fs * (1.0 - f)));
        byte c = (byte)v;
        return (i % 6) switch
        {
            0 => (c, t, p),
            1 => (q, c, p),
            2 => (p, c, t),
            3 => (p, q, c),
            4 => (t, p, c),
            _ => (c, p, q),
        };
    }

    private static byte Round(double value) => (byte)Math.Round(value, MidpointRounding.AwayFromZero);
}
