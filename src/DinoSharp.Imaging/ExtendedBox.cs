using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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

    // Of a weight's two parts for 16-bit products, the lower one.
    private const int LowBits = 12;

    /// <summary>Up to here the sums of inner taps are below 2^15.</summary>
    private const int MostForPairs = 63;

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

    /// <summary>Sample i of the result is the filter over sample i of each tap. Reads and writes up to 63 bytes past the end.</summary>
    public unsafe void Filter(byte** taps, byte* destination, int length)
    {
        if (Avx512BW.IsSupported && Radius <= MostForPairs)
        {
            FilterByPairs(taps, destination, length);
            return;
        }

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

    /// <summary>Unpacking and packing keep to lanes of 128 bits, so that one undoes the other.</summary>
    private unsafe void FilterByPairs(byte** taps, byte* destination, int length)
    {
        const uint LowMask = (1 << LowBits) - 1;
        Vector512<short> high = Vector512.Create((Weight >> LowBits) | (EndWeight >> LowBits << 16)).AsInt16();
        Vector512<short> low = Vector512.Create((Weight & LowMask) | ((EndWeight & LowMask) << 16)).AsInt16();
        Vector512<byte> zero = Vector512<byte>.Zero;
        byte* before = taps[0], centre = taps[1], after = taps[TapCount - 1];
        for (int i = 0; i < length; i += Vector512<byte>.Count)
        {
            Vector512<byte> samples = Vector512.Load(before + i), others = Vector512.Load(after + i);
            Vector512<short> endsLeft = Avx512BW.UnpackLow(samples, zero).AsInt16() + Avx512BW.UnpackLow(others, zero).AsInt16();
            Vector512<short> endsRight = Avx512BW.UnpackHigh(samples, zero).AsInt16() + Avx512BW.UnpackHigh(others, zero).AsInt16();
            samples = Vector512.Load(centre + i);
            Vector512<short> left = Avx512BW.UnpackLow(samples, zero).AsInt16(), right = Avx512BW.UnpackHigh(samples, zero).AsInt16();
            for (int t = 2; t <= 2 * Radius + 1; t++)
            {
                samples = Vector512.Load(taps[t] + i);
                left += Avx512BW.UnpackLow(samples, zero).AsInt16();
                right += Avx512BW.UnpackHigh(samples, zero).AsInt16();
            }

            Vector512<short> a = Avx512BW.PackSignedSaturate(
                Weigh(Avx512BW.UnpackLow(left, endsLeft), high, low), Weigh(Avx512BW.UnpackHigh(left, endsLeft), high, low));
            Vector512<short> b = Avx512BW.PackSignedSaturate(
                Weigh(Avx512BW.UnpackLow(right, endsRight), high, low), Weigh(Avx512BW.UnpackHigh(right, endsRight), high, low));
            Avx512BW.PackUnsignedSaturate(a, b).Store(destination + i);
        }
    }

    /// <summary>Of pairs of an inner sum and a sum of ends. Nothing here is negative, and the whole is below 2^32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Weigh(Vector512<short> pairs, Vector512<short> high, Vector512<short> low)
    {
        Vector512<int> sum = Avx512BW.MultiplyAddAdjacent(pairs, high) << LowBits;
        sum += Avx512BW.MultiplyAddAdjacent(pairs, low) + Vector512.Create(1 << (WeightBits - 1));
        return sum >>> WeightBits;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Weigh(Vector256<uint> inner, Vector256<uint> ends, Vector256<uint> weight, Vector256<uint> endWeight) =>
        (inner * weight + ends * endWeight + Vector256.Create(1u << (WeightBits - 1))) >> WeightBits;

    private static unsafe Vector256<ushort> Load(byte* samples) => Vector256.WidenLower(Vector128.Load(samples).ToVector256Unsafe());
}
