using System.Runtime.Intrinsics;

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

    /// <summary>
    /// Element k becomes the kernel's value at <c>(k + start - centre + 0.5) * step</c>, computed in Pillow's order; their sum, too.
    /// </summary>
    /// <param name="filter">The kernel.</param>
    /// <param name="values">Written up to a multiple of four.</param>
    /// <param name="count">How many elements are meant.</param>
    public static double Evaluate(this ResampleFilter filter, double[] values, int count, int start, double centre, double step)
    {
        if (filter == ResampleFilter.Lanczos)
        {
            for (int k = 0; k < count; k++)
            {
                double x = Math.Abs((k + start - centre + 0.5) * step);
                values[k] = x < 3 ? Sinc(x) * Sinc(x / 3) : 0;
            }
        }
        else
        {
            Vector256<double> half = Vector256.Create(0.5), centres = Vector256.Create(centre), steps = Vector256.Create(step);
            for (int k = 0; k < count; k += Vector256<double>.Count)
            {
                Vector256<double> position = Vector256<double>.Indices + Vector256.Create((double)(k + start));
                Vector256<double> x = Vector256.Abs((position - centres + half) * steps);
                (filter == ResampleFilter.Bilinear ? Triangle(x) : Cubic(x)).CopyTo(values, k);
            }
        }

        double sum = 0;
        for (int k = 0; k < count; k++)
        {
            sum += values[k];
        }

        return sum;
    }

    private static Vector256<double> Triangle(Vector256<double> x) => Vector256.Max(Vector256<double>.One - x, Vector256<double>.Zero);

    private static Vector256<double> Cubic(Vector256<double> x)
    {
        Vector256<double> two = Vector256.Create(2.0);
        Vector256<double> inner = (Vector256.Create(1.5) * x - Vector256.Create(2.5)) * x * x + Vector256<double>.One;
        Vector256<double> outer = ((x - Vector256.Create(5.0)) * x + Vector256.Create(8.0)) * x * Vector256.Create(-0.5) + two;
        outer = Vector256.ConditionalSelect(Vector256.LessThan(x, two), outer, Vector256<double>.Zero);
        return Vector256.ConditionalSelect(Vector256.LessThan(x, Vector256<double>.One), inner, outer);
    }

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(x * Math.PI) / (x * Math.PI);
}
