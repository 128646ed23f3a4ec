using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DinoSharp.Imaging;

/// <summary>
/// The vector operations on pixels that the cross-platform vector API lacks: the x86 instruction where there is one, else the same
/// integers in portable terms.
/// </summary>
internal static class PixelVectors
{
    /// <summary>Lane i is <c>a[2i] * b[2i] + a[2i + 1] * b[2i + 1]</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyAddPairs(Vector256<short> a, Vector256<short> b) =>
        Avx2.IsSupported ? Avx2.MultiplyAddAdjacent(a, b) : MultiplyAddPairsPortable(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyAddPairsPortable(Vector256<short> a, Vector256<short> b)
    {
        Vector256<int> x = a.AsInt32(), y = b.AsInt32(); // a pair of lanes each: the even one low
        return (x << 16 >> 16) * (y << 16 >> 16) + (x >> 16) * (y >> 16);
    }

    /// <summary>Picks bytes within each half of <paramref name="source"/>; an index above 127 gives 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> PickInHalves(Vector256<byte> source, Vector256<byte> indices) =>
        Avx2.IsSupported ? Avx2.Shuffle(source, indices) : PickInHalvesPortable(source, indices);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> PickInHalvesPortable(Vector256<byte> source, Vector256<byte> indices) => Vector256.Create(
        Vector128.Shuffle(source.GetLower(), indices.GetLower()),
        Vector128.Shuffle(source.GetUpper(), indices.GetUpper()));

    /// <summary>Picks from the same 16 bytes for either half of the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<byte> PickFromSixteen(byte* sixteen, Vector256<byte> indices)
    {
        if (Avx2.IsSupported)
        {
            return Avx2.Shuffle(Avx2.BroadcastVector128ToVector256(sixteen), indices);
        }

        Vector128<byte> source = Vector128.Load(sixteen);
        return PickInHalves(Vector256.Create(source, source), indices);
    }

    /// <summary>The lanes of a, b, c, d in order, each cut to 0..255. They must lie within 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ToBytes(Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d) =>
        Sse2.IsSupported
            ? Sse2.PackUnsignedSaturate(Sse2.PackSignedSaturate(a, b), Sse2.PackSignedSaturate(c, d))
            : ToBytesPortable(a, b, c, d);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ToBytesPortable(Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d)
    {
        Vector128<short> most = Vector128.Create((short)255);
        Vector128<short> lower = Vector128.Clamp(Vector128.Narrow(a, b), Vector128<short>.Zero, most);
        Vector128<short> upper = Vector128.Clamp(Vector128.Narrow(c, d), Vector128<short>.Zero, most);
        return Vector128.Narrow(lower.AsUInt16(), upper.AsUInt16());
    }

    /// <summary>a[0] b[0] a[1] b[1] ... of the lower (first) and the upper (second) eight bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector128<byte> Lower, Vector128<byte> Upper) Interleave(Vector128<byte> a, Vector128<byte> b) =>
        Sse2.IsSupported ? (Sse2.UnpackLow(a, b), Sse2.UnpackHigh(a, b)) : InterleavePortable(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector128<byte> Lower, Vector128<byte> Upper) InterleavePortable(Vector128<byte> a, Vector128<byte> b) => (
        (Vector128.WidenLower(a) | (Vector128.WidenLower(b) << 8)).AsByte(),
        (Vector128.WidenUpper(a) | (Vector128.WidenUpper(b) << 8)).AsByte());

    /// <summary>16 bytes as 16-bit lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> ToInt16(Vector128<byte> bytes) => Vector256.WidenLower(bytes.ToVector256Unsafe()).AsInt16();

    /// <summary>The eight bytes at an address as 32-bit lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<int> LoadToInt32(byte* eight) =>
        Vector256.WidenLower(Vector256.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)eight).AsByte().ToVector256Unsafe())).AsInt32();
}
