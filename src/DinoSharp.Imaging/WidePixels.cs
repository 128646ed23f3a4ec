using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DinoSharp.Imaging;

/// <summary>Sixteen RGB pixels at a time, where the processor permutes 64 bytes at once.</summary>
internal static unsafe class WidePixels
{
    public const int Count = 16;

    /// <summary>Bytes of <see cref="Count"/> pixels.</summary>
    public const int Length = 3 * Count;

    public static bool IsSupported => Avx512Vbmi.IsSupported;

    // Of each pixel, byte 0 of a lane of four is meant; what the other three pick is cut off.
    private static Vector512<byte> FirstOfPixels => Vector512.Create(
        0, 0, 0, 0, 3, 0, 0, 0, 6, 0, 0, 0, 9, 0, 0, 0, 12, 0, 0, 0, 15, 0, 0, 0, 18, 0, 0, 0, 21, 0, 0, 0,
        24, 0, 0, 0, 27, 0, 0, 0, 30, 0, 0, 0, 33, 0, 0, 0, 36, 0, 0, 0, 39, 0, 0, 0, 42, 0, 0, 0, 45, (byte)0, 0, 0);

    private static Vector512<byte> Packed => Vector512.Create(
        0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20, 21, 22, 24, 25, 26, 28, 29, 30, 32, 33, 34, 36, 37, 38, 40, 41,
        42, 44, 45, 46, 48, 49, 50, 52, 53, 54, 56, 57, 58, 60, 61, 62, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)0, 0);

    /// <summary>The three channels as 32-bit lanes; reads 64 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<int> R, Vector512<int> G, Vector512<int> B) Load(byte* rgb)
    {
        Vector512<byte> pixels = Vector512.Load(rgb);
        Vector512<int> low = Vector512.Create(255);
        return (
            Avx512Vbmi.PermuteVar64x8(pixels, FirstOfPixels).AsInt32() & low,
            Avx512Vbmi.PermuteVar64x8(pixels, FirstOfPixels + Vector512<byte>.One).AsInt32() & low,
            Avx512Vbmi.PermuteVar64x8(pixels, FirstOfPixels + Vector512.Create((byte)2)).AsInt32() & low);
    }

    /// <summary>Stores pixels, each the lower three bytes of a lane; writes 48 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<int> pixels, byte* rgb)
    {
        Vector512<byte> packed = Avx512Vbmi.PermuteVar64x8(pixels.AsByte(), Packed);
        packed.GetLower().Store(rgb);
        packed.GetUpper().GetLower().Store(rgb + 32);
    }

    /// <summary>As <see cref="Luma.Of"/>, by products of pairs: red and half of green, blue and half of green.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> LumaOf(Vector512<int> r, Vector512<int> g, Vector512<int> b)
    {
        Vector512<short> redWeights = Vector512.Create(Luma.Red | (Luma.HalfGreen << 16)).AsInt16();
        Vector512<short> blueWeights = Vector512.Create(Luma.Blue | (Luma.HalfGreen << 16)).AsInt16();
        Vector512<int> green = g << 16;
        Vector512<int> sum = Avx512BW.MultiplyAddAdjacent((r | green).AsInt16(), redWeights)
            + Avx512BW.MultiplyAddAdjacent((b | green).AsInt16(), blueWeights);
        return (sum + Vector512.Create(32768)) >> 16;
    }

    /// <summary>Products of lanes below 2^15, for which there is a faster instruction than for 32 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> MultiplySmall(Vector512<int> a, Vector512<int> b) =>
        Avx512BW.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16());
}
