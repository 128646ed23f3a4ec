namespace DinoSharp.Imaging;

/// <summary>A box filter whose two end taps weigh less than the rest, so that its variance is any number; weights are 8.24 fixed point.</summary>
/// <param name="Radius">Full taps on either side of the centre; one more on either side has the end weight.</param>
/// <param name="Weight">Of the <c>2 * Radius + 1</c> inner taps.</param>
/// <param name="EndWeight">Of the two end taps.</param>
internal readonly record struct ExtendedBox(int Radius, uint Weight, uint EndWeight)
{
    /// <summary>The box of which <paramref name="passes"/> applications have a Gaussian's variance (equations 7, 11, 14 of the paper).</summary>
    public static ExtendedBox ForGaussian(float standardDeviation, int passes)
    {
        // In single precision where Pillow has it.
        float variance = standardDeviation * standardDeviation / passes;
        float length = (float)Math.Sqrt(12.0 * variance + 1.0);
        float inner = (float)Math.Floor((length - 1.0) / 2.0);
        float fraction = (2 * inner + 1) * (inner * (inner + 1) - 3 * variance);
        fraction /= 6 * (variance - (inner + 1) * (inner + 1));
        float radius = inner + fraction;

        int whole = (int)radius;
        uint weight = (uint)((1 << 24) / (radius * 2 + 1));
        return new ExtendedBox(whole, weight, ((1u << 24) - (uint)(2 * whole + 1) * weight) / 2);
    }
}
