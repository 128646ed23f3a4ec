namespace DinoSharp.Imaging;

/// <summary>The kernels of <see cref="Resampler"/>, with the names and the shapes that Pillow gives them.</summary>
public enum ResampleFilter
{
    /// <summary>Triangle, support 1.</summary>
    Bilinear,

    /// <summary>Keys' cubic convolution with a = -0.5, support 2.</summary>
    Bicubic,

    /// <summary>Sinc windowed by a sinc three times as wide, support 3.</summary>
    Lanczos,
}

internal static class ResampleFilterExtensions
{
    /// <summary>Beyond this distance the kernel is 0.</summary>
    public static double Support(this ResampleFilter filter) => filter switch
    {
        ResampleFilter.Bilinear => 1,
        ResampleFilter.Bicubic => 2,
        ResampleFilter.Lanczos => 3,
        _ => throw new ArgumentOutOfRangeException(nameof(filter), filter, "Not a resampling filter."),
    };

    /// <summary>Element k becomes the kernel's value at <c>(k + first) * step</c>.</summary>
    public static void Evaluate(this ResampleFilter filter, Span<double> values, double first, double step)
    {
        for (int k = 0; k < values.Length; k++)
        {
            double x = Math.Abs((k + first) * step);
            values[k] = filter switch
            {
                ResampleFilter.Bilinear => Math.Max(1 - x, 0),
                ResampleFilter.Bicubic => x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((x - 5) * x + 8) * x * -0.5 + 2 : 0,
                _ => x < 3 ? Sinc(x) * Sinc(x / 3) : 0,
            };
        }
    }

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(x * Math.PI) / (x * Math.PI);
}
