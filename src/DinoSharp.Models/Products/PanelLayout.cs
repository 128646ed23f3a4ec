using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DinoSharp.Models.Products;

/// <summary>Lays out matrices as the columns' factors of <see cref="ProductTile"/>: panels of 32 columns, each row by row.</summary>
internal static unsafe class PanelLayout
{
    private const int RowsAtOnce = 4;

    /// <summary>Panels of a matrix's columns // [columns / 32, rows, 32]</summary>
    /// <param name="from">// [rows, columns]</param>
    /// <param name="next">from row to row</param>
    /// <param name="rows">of the matrix</param>
    /// <param name="columns">a multiple of 32</param>
    /// <param name="to">receives the panels</param>
    public static void Plain(float* from, nint next, nint rows, nint columns, float* to)
    {
        for (nint row = 0; row < rows; row++, from += next, to += ProductTile.Columns)
        {
            for (nint column = 0; column < columns; column += ProductTile.Columns)
            {
                float* panel = to + column * rows;
                Vector512.Load(from + column).Store(panel);
                Vector512.Load(from + column + ProductTile.Lanes).Store(panel + ProductTile.Lanes);
            }
        }
    }

    /// <summary>Panels of a matrix's rows, the last filled up with zeros // [⌈rows / 32⌉, columns, 32]</summary>
    /// <param name="from">// [rows, columns]</param>
    /// <param name="next">from row to row</param>
    /// <param name="rows">of the matrix</param>
    /// <param name="columns">a multiple of 16</param>
    /// <param name="to">receives the panels</param>
    public static void Transposed(float* from, nint next, nint rows, nint columns, float* to)
    {
        for (nint first = 0; first < rows; first += ProductTile.Columns, to += columns * ProductTile.Columns)
        {
            for (nint row = 0; row < ProductTile.Columns; row += RowsAtOnce)
            {
                for (nint column = 0; column < columns; column += ProductTile.Lanes)
                {
                    Transpose(from + (first + row) * next + column, next, rows - first - row, to + column * ProductTile.Columns + row);
                }
            }
        }
    }

    /// <summary>Four rows of 16: first the quarters of a vector are transposed each by itself, then they go where they belong.</summary>
    /// <param name="from">the first row</param>
    /// <param name="next">from row to row</param>
    /// <param name="rows">so many of the four are there, the others count as zeros</param>
    /// <param name="to">the first of 16 rows of a panel</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(float* from, nint next, nint rows, float* to)
    {
        var a = rows > 0 ? Vector512.Load(from) : default;
        var b = rows > 1 ? Vector512.Load(from + next) : default;
        var c = rows > 2 ? Vector512.Load(from + 2 * next) : default;
        var d = rows > 3 ? Vector512.Load(from + 3 * next) : default;
        var (lowAB, highAB) = (Avx512F.UnpackLow(a, b).AsDouble(), Avx512F.UnpackHigh(a, b).AsDouble()); // a0 b0 a1 b1, a2 b2 a3 b3
        var (lowCD, highCD) = (Avx512F.UnpackLow(c, d).AsDouble(), Avx512F.UnpackHigh(c, d).AsDouble());
        StoreQuarters(Avx512F.UnpackLow(lowAB, lowCD).AsSingle(), to); // a0 b0 c0 d0, a4 b4 c4 d4, ...
        StoreQuarters(Avx512F.UnpackHigh(lowAB, lowCD).AsSingle(), to + ProductTile.Columns);
        StoreQuarters(Avx512F.UnpackLow(highAB, highCD).AsSingle(), to + 2 * ProductTile.Columns);
        StoreQuarters(Avx512F.UnpackHigh(highAB, highCD).AsSingle(), to + 3 * ProductTile.Columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreQuarters(Vector512<float> quarters, float* to)
    {
        const int next = 4 * ProductTile.Columns;
        Avx512F.ExtractVector128(quarters, 0).Store(to);
        Avx512F.ExtractVector128(quarters, 1).Store(to + next);
        Avx512F.ExtractVector128(quarters, 2).Store(to + 2 * next);
        Avx512F.ExtractVector128(quarters, 3).Store(to + 3 * next);
    }
}
