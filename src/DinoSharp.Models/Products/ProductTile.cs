using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DinoSharp.Models.Products;

/// <summary>
/// The kernel of all products: a tile of 14 rows and 32 columns, whose 28 sums stay in registers (of the 32 vectors that AVX-512 has, two are left for
/// the columns' factors and one for the row's).
/// </summary>
internal static unsafe class ProductTile
{
    public const int Rows = 14;
    public const int Columns = 32;

    /// <summary>Floats in a vector.</summary>
    public const int Lanes = 16;

    /// <summary>Whether this processor has the vectors.</summary>
    public static bool IsSupported => Avx512F.IsSupported;

    /// <summary>sums[r, c] = start[c] + Σₛ rows[r, s] columns[s, c], in the order of s</summary>
    /// <param name="rows">the rows' factors; of row r and step s at r * <paramref name="nextRow"/> + s * <paramref name="nextStep"/></param>
    /// <param name="columns">the columns' factors; 32 side by side, those of the next step 32 further</param>
    /// <param name="steps">how many products a sum has</param>
    /// <param name="start">what the sums of a column begin with; null: with 0 // [32]</param>
    /// <param name="sums">where the sums go; the next row <paramref name="nextSums"/> further</param>
    /// <param name="nextSums">from row to row of the sums</param>
    /// <param name="addToSums">whether they are added to what is there</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Compute(
        float* rows, nint nextRow, nint nextStep, float* columns, nint steps, float* start, float* sums, nint nextSums, bool addToSums)
    {
        Vector512<float> s0L = default, s0R = default;
        if (start != null)
        {
            s0L = Vector512.Load(start);
            s0R = Vector512.Load(start + Lanes);
        }

        Vector512<float> s1L = s0L, s1R = s0R;
        Vector512<float> s2L = s0L, s2R = s0R;
        Vector512<float> s3L = s0L, s3R = s0R;
        Vector512<float> s4L = s0L, s4R = s0R;
        Vector512<float> s5L = s0L, s5R = s0R;
        Vector512<float> s6L = s0L, s6R = s0R;
        Vector512<float> s7L = s0L, s7R = s0R;
        Vector512<float> s8L = s0L, s8R = s0R;
        Vector512<float> s9L = s0L, s9R = s0R;
        Vector512<float> s10L = s0L, s10R = s0R;
        Vector512<float> s11L = s0L, s11R = s0R;
        Vector512<float> s12L = s0L, s12R = s0R;
        Vector512<float> s13L = s0L, s13R = s0R;

        // Of five pointers and two distances all 14 addresses are made in the loads themselves.
        nint two = 2 * nextRow, three = 3 * nextRow;
        float* r3 = rows + three, r6 = r3 + three, r9 = r6 + three, r12 = r9 + three;
        for (nint step = 0; step < steps; step++)
        {
            var left = Vector512.Load(columns);
            var right = Vector512.Load(columns + Lanes);
            columns += Columns;

            var factor = Vector512.Create(*rows);
            s0L = Avx512F.FusedMultiplyAdd(factor, left, s0L);
            s0R = Avx512F.FusedMultiplyAdd(factor, right, s0R);
            factor = Vector512.Create(rows[nextRow]);
            s1L = Avx512F.FusedMultiplyAdd(factor, left, s1L);
            s1R = Avx512F.FusedMultiplyAdd(factor, right, s1R);
            factor = Vector512.Create(rows[two]);
            s2L = Avx512F.FusedMultiplyAdd(factor, left, s2L);
            s2R = Avx512F.FusedMultiplyAdd(factor, right, s2R);
            factor = Vector512.Create(*r3);
            s3L = Avx512F.FusedMultiplyAdd(factor, left, s3L);
            s3R = Avx512F.FusedMultiplyAdd(factor, right, s3R);
            factor = Vector512.Create(r3[nextRow]);
            s4L = Avx512F.FusedMultiplyAdd(factor, left, s4L);
            s4R = Avx512F.FusedMultiplyAdd(factor, right, s4R);
            factor = Vector512.Create(r3[two]);
            s5L = Avx512F.FusedMultiplyAdd(factor, left, s5L);
            s5R = Avx512F.FusedMultiplyAdd(factor, right, s5R);
            factor = Vector512.Create(*r6);
            s6L = Avx512F.FusedMultiplyAdd(factor, left, s6L);
            s6R = Avx512F.FusedMultiplyAdd(factor, right, s6R);
            factor = Vector512.Create(r6[nextRow]);
            s7L = Avx512F.FusedMultiplyAdd(factor, left, s7L);
            s7R = Avx512F.FusedMultiplyAdd(factor, right, s7R);
            factor = Vector512.Create(r6[two]);
            s8L = Avx512F.FusedMultiplyAdd(factor, left, s8L);
            s8R = Avx512F.FusedMultiplyAdd(factor, right, s8R);
            factor = Vector512.Create(*r9);
            s9L = Avx512F.FusedMultiplyAdd(factor, left, s9L);
            s9R = Avx512F.FusedMultiplyAdd(factor, right, s9R);
            factor = Vector512.Create(r9[nextRow]);
            s10L = Avx512F.FusedMultiplyAdd(factor, left, s10L);
            s10R = Avx512F.FusedMultiplyAdd(factor, right, s10R);
            factor = Vector512.Create(r9[two]);
            s11L = Avx512F.FusedMultiplyAdd(factor, left, s11L);
            s11R = Avx512F.FusedMultiplyAdd(factor, right, s11R);
            factor = Vector512.Create(*r12);
            s12L = Avx512F.FusedMultiplyAdd(factor, left, s12L);
            s12R = Avx512F.FusedMultiplyAdd(factor, right, s12R);
            factor = Vector512.Create(r12[nextRow]);
            s13L = Avx512F.FusedMultiplyAdd(factor, left, s13L);
            s13R = Avx512F.FusedMultiplyAdd(factor, right, s13R);

            rows += nextStep;
            r3 += nextStep;
            r6 += nextStep;
            r9 += nextStep;
            r12 += nextStep;
        }

        if (addToSums)
        {
            s0L += Vector512.Load(sums);
            s0R += Vector512.Load(sums + Lanes);
            s1L += Vector512.Load(sums + nextSums);
            s1R += Vector512.Load(sums + nextSums + Lanes);
            s2L += Vector512.Load(sums + 2 * nextSums);
            s2R += Vector512.Load(sums + 2 * nextSums + Lanes);
            s3L += Vector512.Load(sums + 3 * nextSums);
            s3R += Vector512.Load(sums + 3 * nextSums + Lanes);
            s4L += Vector512.Load(sums + 4 * nextSums);
            s4R += Vector512.Load(sums + 4 * nextSums + Lanes);
            s5L += Vector512.Load(sums + 5 * nextSums);
            s5R += Vector512.Load(sums + 5 * nextSums + Lanes);
            s6L += Vector512.Load(sums + 6 * nextSums);
            s6R += Vector512.Load(sums + 6 * nextSums + Lanes);
            s7L += Vector512.Load(sums + 7 * nextSums);
            s7R += Vector512.Load(sums + 7 * nextSums + Lanes);
            s8L += Vector512.Load(sums + 8 * nextSums);
            s8R += Vector512.Load(sums + 8 * nextSums + Lanes);
            s9L += Vector512.Load(sums + 9 * nextSums);
            s9R += Vector512.Load(sums + 9 * nextSums + Lanes);
            s10L += Vector512.Load(sums + 10 * nextSums);
            s10R += Vector512.Load(sums + 10 * nextSums + Lanes);
            s11L += Vector512.Load(sums + 11 * nextSums);
            s11R += Vector512.Load(sums + 11 * nextSums + Lanes);
            s12L += Vector512.Load(sums + 12 * nextSums);
            s12R += Vector512.Load(sums + 12 * nextSums + Lanes);
            s13L += Vector512.Load(sums + 13 * nextSums);
            s13R += Vector512.Load(sums + 13 * nextSums + Lanes);
        }

        s0L.Store(sums);
        s0R.Store(sums + Lanes);
        s1L.Store(sums + nextSums);
        s1R.Store(sums + nextSums + Lanes);
        s2L.Store(sums + 2 * nextSums);
        s2R.Store(sums + 2 * nextSums + Lanes);
        s3L.Store(sums + 3 * nextSums);
        s3R.Store(sums + 3 * nextSums + Lanes);
        s4L.Store(sums + 4 * nextSums);
        s4R.Store(sums + 4 * nextSums + Lanes);
        s5L.Store(sums + 5 * nextSums);
        s5R.Store(sums + 5 * nextSums + Lanes);
        s6L.Store(sums + 6 * nextSums);
        s6R.Store(sums + 6 * nextSums + Lanes);
        s7L.Store(sums + 7 * nextSums);
        s7R.Store(sums + 7 * nextSums + Lanes);
        s8L.Store(sums + 8 * nextSums);
        s8R.Store(sums + 8 * nextSums + Lanes);
        s9L.Store(sums + 9 * nextSums);
        s9R.Store(sums + 9 * nextSums + Lanes);
        s10L.Store(sums + 10 * nextSums);
        s10R.Store(sums + 10 * nextSums + Lanes);
        s11L.Store(sums + 11 * nextSums);
        s11R.Store(sums + 11 * nextSums + Lanes);
        s12L.Store(sums + 12 * nextSums);
        s12R.Store(sums + 12 * nextSums + Lanes);
        s13L.Store(sums + 13 * nextSums);
        s13R.Store(sums + 13 * nextSums + Lanes);
    }
}
