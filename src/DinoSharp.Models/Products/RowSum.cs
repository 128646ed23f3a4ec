using System.Runtime.Intrinsics;

namespace DinoSharp.Models.Products;

/// <summary>Sums of rows whose length is a multiple of 16.</summary>
internal static unsafe class RowSum
{
    /// <summary>row + scale · other</summary>
    public static void Of(float* row, float* other, float scale, nint length, float* sum)
    {
        for (nint i = 0; i < length; i += ProductTile.Lanes)
        {
            (Vector512.Load(row + i) + Vector512.Load(other + i) * scale).Store(sum + i);
        }
    }

    /// <summary>scale · row</summary>
    public static void Scaled(float* row, float scale, nint length, float* scaled)
    {
        for (nint i = 0; i < length; i += ProductTile.Lanes)
        {
            (Vector512.Load(row + i) * scale).Store(scaled + i);
        }
    }
}
