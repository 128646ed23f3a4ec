using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DinoSharp.Imaging;

/// <summary>Writes and reads the groups of four weights of a <see cref="ResampleTable"/>.</summary>
internal static class WeightGroups
{
    /// <summary>Normalises a window to a sum of 1, rounds half away from zero, and cuts up.</summary>
    /// <param name="window">The window, with room to the end of its last group.</param>
    /// <param name="count">Its length.</param>
    /// <param name="sum">The sum of it.</param>
    /// <param name="groups">All groups of the window; those after the window's become zeros.</param>
    /// <param name="layout">How to cut.</param>
    public static void Store(double[] window, int count, double sum, Span<short> groups, WeightLayout layout)
    {
        Vector256<double> sums = Vector256.Create(sum), one = Vector256.Create((double)(1 << ResampleTable.PrecisionBits));
        for (int k = 0; k < count; k += ResampleTable.GroupSize)
        {
            Vector256<double> scaled = Vector256.Create(window, k) / sums * one;
            Vector256<double> half = Vector256.CopySign(Vector256.Create(0.5), scaled);
            Vector128<int> weights = Truncate(scaled + half);
            weights &= Vector128.LessThan(Vector128<int>.Indices, Vector128.Create(count - k));
            Vector128<short> group = layout == WeightLayout.Halves ? Halves(weights) : Bytes(weights);
            group.CopyTo(groups.Slice(k * 2, ResampleTable.GroupLength));
        }

        int used = (count + ResampleTable.GroupSize - 1) / ResampleTable.GroupSize * ResampleTable.GroupLength;
        groups[used..].Clear();
    }

    public static int Read(ReadOnlySpan<short> group, int k, WeightLayout layout)
    {
        if (layout == WeightLayout.Halves)
        {
            return (group[k] << ResampleTable.LowBits) + group[k + ResampleTable.GroupSize];
        }

        ReadOnlySpan<sbyte> parts = MemoryMarshal.Cast<short, sbyte>(group);
        return (((parts[k] << 8) + parts[k + 4]) << 8) + parts[k + 8];
    }

    private static Vector128<int> Truncate(Vector256<double> values) => Avx.IsSupported
        ? Avx.ConvertToVector128Int32WithTruncation(values)
        : Vector256.Narrow(Vector256.ConvertToInt64(values), default).GetLower();

    private static Vector128<short> Halves(Vector128<int> weights)
    {
        Vector128<int> high = weights >> ResampleTable.LowBits, low = weights & Vector128.Create((1 << ResampleTable.LowBits) - 1);
        return Vector128.Narrow(high, low);
    }

    private static Vector128<short> Bytes(Vector128<int> weights)
    {
        // Signed parts: what the lower ones stand for below zero, the upper ones make up for. A weight is below 2 in size, so they all fit.
        Vector128<int> c = weights << 24 >> 24, rest = (weights - c) >> 8, b = rest << 24 >> 24, a = (rest - b) >> 8;
        return Vector128.Narrow(Vector128.Narrow(a, b), Vector128.Narrow(c, default)).AsInt16();
    }
}
