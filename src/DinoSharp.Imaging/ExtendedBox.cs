using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DinoSharp.Imaging;

/// <summary>
/// A box filter whose two end taps weigh less than the rest, so that it can have any variance (Gwosdek et al., "Theoretical
/// foundations of Gaussian convolution by extended box filtering", 2011). Weights are in units of 2^-24.
/// </summary>
/// <param name="Radius">Inner taps on either side of the centre.</param>
/// <param name="Weight">Of each of the <c>2 * Radius + 1</c> inner taps.</param>
/// <param name="EndWeight">Of the two taps beyond them.</param>
internal readonly record struct ExtendedBox(int Radius, uint Weight, uint EndWeight)
{
    private const int WeightBits = 24;

    public int TapCount => 2 * Radius + 3;

    /// <summary>The box of which <paramref name="passes"/> applications have a Gaussian's variance (equations 7, 11 and 14).</summary>
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
        uint weight = (uint)((1 << WeightBits) / (radius * 2 + 1));
        return new ExtendedBox(whole, weight, ((1u << WeightBits) - (uint)(2 * whole + 1) * weight) / 2);
    }

    /// <summary>Sample i of the result is the filter over sample i of each tap. Reads and writes up to 15 bytes past the end.</summary>
    public unsafe void Filter(byte** taps, byte* destination, int length)
    {
        Vector256<uint> weight = Vector256.Create(Weight), endWeight = Vector256.Create(EndWeight);
        int last = TapCount - 1;
        for (int i = 0; i < length; i += 16)
        {
            Vector256<ushort> inner = Load(taps[1] + i), ends = Load(taps[0] + i) + Load(taps[last] + i);
            for (int t = 2; t < last; t++)
            {
                inner += Load(taps[t] + i);
            }

            Vector256<uint> lower = Weigh(Vector256.WidenLower(inner), Vector256.WidenLower(ends), weight, endWeight);
            Vector256<uint> upper = Weigh(Vector256.WidenUpper(inner), Vector256.WidenUpper(ends), weight, endWeight);
            Vector256<ushort> samples = Vector256.Narrow(lower, upper);
            Vector128.Narrow(samples.GetLower(), samples.GetUpper()).Store(destination + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Weigh(Vector256<uint> inner, Vector256<uint> ends, Vector256<uint> weight, Vector256<uint> endWeight) =>
        (inner * weight + ends * endWeight + Vector256.Create(1u << (WeightBits - 1))) >> WeightBits;

    private static unsafe Vector256<ushort> Load(byte* samples) => Vector256.WidenLower(Vector128.Load(samples).ToVector256Unsafe());
}
