namespace DinoSharp.Evaluation.Attention;

/// <summary>How pictures show a mask: the picture is darkened outside of it, and coloured inside.</summary>
internal static class MaskTint
{
    private const float OutsideBrightness = 0.35f;
    private const float Opacity = 0.45f;
    private static readonly float[] Color = [255, 64, 32];

    /// <summary>A sample of an RGB picture under the mask.</summary>
    /// <param name="sample">what the picture has there</param>
    /// <param name="channel">0 to 2</param>
    /// <param name="inside">whether the mask keeps the pixel</param>
    public static byte Of(byte sample, int channel, bool inside) => (byte)MathF.Round(inside
        ? sample + (Color[channel] - sample) * Opacity
        : sample * OutsideBrightness);
}
