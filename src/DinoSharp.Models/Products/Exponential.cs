using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DinoSharp.Models.Products;

/// <summary>exp(x): the power of two next to it, times a polynomial for what is left; within 2 · 10⁻⁷ of it.</summary>
internal static class Exponential
{
    /// <summary>Below, the result is as good as 0, and soon too small for a number.</summary>
    private const float Least = -87;

    /// <param name="x">below 88; from -87 down the result is exp(-87), and of what is no number none</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> x)
    {
        x = Avx512F.Max(Vector512.Create(Least), x); // the second where one is no number
        var whole = Avx512F.RoundScale(x * 1.44269504f, 8); // x log₂ e to the nearest, without a signal
        var rest = Avx512F.FusedMultiplyAddNegated(whole, Vector512.Create(0.693359375f), x); // ln 2 in two parts, the first exact in 9 bits
        rest = Avx512F.FusedMultiplyAdd(whole, Vector512.Create(2.12194440e-4f), rest); // within ± ln 2 / 2
        var sum = Avx512F.FusedMultiplyAdd(rest, Vector512.Create(1f / 720), Vector512.Create(1f / 120));
        sum = Avx512F.FusedMultiplyAdd(rest, sum, Vector512.Create(1f / 24));
        sum = Avx512F.FusedMultiplyAdd(rest, sum, Vector512.Create(1f / 6));
        sum = Avx512F.FusedMultiplyAdd(rest, sum, Vector512.Create(0.5f));
        sum = Avx512F.FusedMultiplyAdd(rest, sum, Vector512.Create(1f));
        sum = Avx512F.FusedMultiplyAdd(rest, sum, Vector512.Create(1f));
        return Avx512F.Scale(sum, whole);
    }
}
