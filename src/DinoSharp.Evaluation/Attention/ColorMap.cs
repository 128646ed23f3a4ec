namespace DinoSharp.Evaluation.Attention;

/// <summary>Viridis, a colour map of even perceived steps that also reads in grey: nine of its colours, linear between.</summary>
internal static class ColorMap
{
    private static readonly (byte R, byte G, byte B)[] Stops =
    [
        (0x44, 0x01, 0x54), (0x47, 0x2D, 0x7B), (0x3B, 0x52, 0x8B), (0x2C, 0x72, 0x8E), (0x21, 0x91, 0x8C),
        (0x28, 0xAE, 0x80), (0x5E, 0xC9, 0x62), (0xAD, 0xDC, 0x30), (0xFD, 0xE7, 0x25),
    ];

    /// <summary>The colour of a value in 0 .. 1; values outside have the colour of the nearer end.</summary>
    public static (byte R, byte G, byte B) Of(float value)
    {
        float position = Math.Clamp(value, 0, 1) * (Stops.Length - 1);
        int stop = Math.Min((int)position, Stops.Length - 2);
        float share = position - stop;
        var (from, to) = (Stops[stop], Stops[stop + 1]);
        return (Between(from.R, to.R, share), Between(from.G, to.G, share), Between(from.B, to.B, share));
    }

    private static byte Between(byte from, byte to, float share) => (byte)MathF.Round(from + (to - from) * share);
}
