using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DinoSharp.Models.Products;

/// <summary>Rows of one head of an attention, whose length is a multiple of 32; where they are multiplied, zeros make the last tile whole.</summary>
internal static unsafe class HeadRows
{
    /// <summary>Rows times a factor, and zeros up to a whole tile // [⌈rows / 14⌉ 14, dim]</summary>
    public static void Copy(float* from, nint next, nint rows, nint dim, float factor, float* to)
    {
        for (nint row = 0; row < rows; row++)
        {
            RowSum.Scaled(from + row * next, factor, dim, to + row * dim);
        }

        nint whole = (rows + ProductTile.Rows - 1) / ProductTile.Rows * ProductTile.Rows;
        new Span<float>(to + rows * dim, (int)((whole - rows) * dim)).Clear();
    }

    /// <summary>Σ a b</summary>
    public static float Dot(float* a, float* b, nint dim)
    {
        var sum = Vector512<float>.Zero;
        for (nint i = 0; i < dim; i += ProductTile.Lanes)
        {
            sum = Avx512F.FusedMultiplyAdd(Vector512.Load(a + i), Vector512.Load(b + i), sum);
        }

        return Vector512.Sum(sum);
    }

    /// <summary>The products of rows with a block's others.</summary>
    /// <param name="rows">as <see cref="Copy"/> leaves them // [⌈count / 14⌉ 14, dim]</param>
    /// <param name="count">of them</param>
    /// <param name="dim">length of each</param>
    /// <param name="panels">of the others, transposed // [⌈others / 32⌉, dim, 32]</param>
    /// <param name="others">how many</param>
    /// <param name="products">// [⌈count / 14⌉ 14, Keys]</param>
    public static void Multiply(float* rows, nint count, nint dim, float* panels, nint others, float* products)
    {
        for (nint other = 0; other < others; other += ProductTile.Columns)
        {
            for (nint row = 0; row < count; row += ProductTile.Rows)
            {
                ProductTile.Compute(
                    rows + row * dim, dim, 1, panels + other * dim, dim, null, products + row * AttentionPart.Keys + other, AttentionPart.Keys, addToSums: false);
            }
        }
    }
}
