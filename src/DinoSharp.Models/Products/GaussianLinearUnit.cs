using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DinoSharp.Models.Products;

/// <summary>
/// GELU, x Φ(x), and its derivative, Φ(x) + x φ(x); Φ within 10⁻⁷ by formula 7.1.26 of Abramowitz and Stegun, Handbook of Mathematical Functions.
/// </summary>
internal static unsafe class GaussianLinearUnit
{
    /// <param name="values">x; a multiple of 16</param>
    /// <param name="count">how many</param>
    /// <param name="results">x Φ(x)</param>
    public static void Of(float* values, nint count, float* results)
    {
        for (nint i = 0; i < count; i += ProductTile.Lanes)
        {
            var x = Vector512.Load(values + i);
            (x * Normal(x).Distribution).Store(results + i);
        }
    }

    /// <summary>Puts what <see cref="Of"/> gives in the place of its values, and a gradient with respect to them in the place of one with respect to the results.</summary>
    /// <param name="values">x, then x Φ(x); a multiple of 16</param>
    /// <param name="count">how many</param>
    /// <param name="gradient">g, then g (Φ(x) + x φ(x))</param>
    public static void Backward(float* values, nint count, float* gradient)
    {
        for (nint i = 0; i < count; i += ProductTile.Lanes)
        {
            var x = Vector512.Load(values + i);
            var (distribution, density) = Normal(x);
            (x * distribution).Store(values + i);
            (Vector512.Load(gradient + i) * Avx512F.FusedMultiplyAdd(x, density, distribution)).Store(gradient + i);
        }
    }

    /// <summary>Φ(x) and φ(x)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Distribution, Vector512<float> Density) Normal(Vector512<float> x)
    {
        var one = Vector512.Create(1f);
        var exponential = Exponential.Of(x * x * -0.5f);
        var divisor = Avx512F.FusedMultiplyAdd(Vector512.Abs(x), Vector512.Create(0.3275911f * 0.70710678f), one); // 1 + p |x| / √2
        var t = Avx512F.Reciprocal14(divisor);
        t *= Avx512F.FusedMultiplyAddNegated(divisor, t, Vector512.Create(2f)); // a step of Newton's
        var tail = Avx512F.FusedMultiplyAdd(t, Vector512.Create(0.5f * 1.061405429f), Vector512.Create(0.5f * -1.453152027f));
        tail = Avx512F.FusedMultiplyAdd(t, tail, Vector512.Create(0.5f * 1.421413741f));
        tail = Avx512F.FusedMultiplyAdd(t, tail, Vector512.Create(0.5f * -0.284496736f));
        tail = Avx512F.FusedMultiplyAdd(t, tail, Vector512.Create(0.5f * 0.254829592f));
        tail *= t * exponential; // Φ(-|x|)
        var distribution = Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<float>.Zero), tail, one - tail);
        return (distribution, exponential * 0.39894228f); // 1 / √2π
    }
}
