using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DinoSharp.Imaging;

/// <summary>
/// From RGB to Pillow's HSV of three bytes, a turn of the hue, and back. Single precision and, on the way back, integers give
/// Pillow's own result, which uses double precision in places, for every one of the 2^24 inputs of either half.
/// </summary>
internal static unsafe class HueRotation
{
    private const int Sectors = 6;
    private const byte Zero = 255;

    /// <summary>Adds <paramref name="steps"/> of 1/256 of the circle to the hue of eight RGB pixels. Reads 28 bytes and writes 24.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RotateEight(byte* rgb, int steps)
    {
        Vector256<byte> pixels = Vector256.Create(Vector128.Load(rgb), Vector128.Load(rgb + 12)); // four in each half
        Vector256<int> r = Channel(pixels, 0), g = Channel(pixels, 1), b = Channel(pixels, 2);
        (Vector256<int> h, Vector256<int> s, Vector256<int> v) = ToHsv(r, g, b);
        h = (h + Vector256.Create(steps)) & Vector256.Create(255);
        (r, g, b) = ToRgb(h, s, v);

        Vector256<byte> packed = (r | (g << 8) | (b << 16)).AsByte();
        Vector128<byte> order = Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, Zero, Zero, Zero, Zero);
        Vector128<byte> first = Vector128.Shuffle(packed.GetLower(), order), second = Vector128.Shuffle(packed.GetUpper(), order);
        first.Store(rgb);
        *(ulong*)(rgb + 12) = second.AsUInt64().ToScalar();
        *(uint*)(rgb + 20) = second.AsUInt32().GetElement(2);
    }

    /// <summary>Hexcone hue of Smith (1978), scaled to 0..255 and cut off; grey has hue 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<int> H, Vector256<int> S, Vector256<int> V) ToHsv(Vector256<int> r, Vector256<int> g, Vector256<int> b)
    {
        Vector256<int> max = Vector256.Max(r, Vector256.Max(g, b)), min = Vector256.Min(r, Vector256.Min(g, b));
        Vector256<int> middle = r + g + b - max - min, range = max - min;
        Vector256<int> coloured = Vector256.GreaterThan(range, Vector256<int>.Zero);

        // On the circle in sixths, hue is base + distance of the middle channel, or base - distance.
        Vector256<int> redIsMax = Vector256.Equals(r, max), greenIsMax = Vector256.Equals(g, max);
        Vector256<int> minus = Vector256.ConditionalSelect(
            redIsMax, Vector256.Equals(b, min), Vector256.ConditionalSelect(greenIsMax, Vector256.Equals(r, min), Vector256.Equals(g, min)));
        Vector256<int> origin = Vector256.ConditionalSelect(
            redIsMax, Vector256<int>.Zero, Vector256.ConditionalSelect(greenIsMax, Vector256.Create(2), Vector256.Create(4)));
        Vector256<int> sign = minus | Vector256<int>.One; // -1 or 1
        Vector256<float> distance = Vector256.ConvertToSingle(sign * (max - middle)) / Vector256.ConvertToSingle(range);
        Vector256<float> sixths = Vector256.ConvertToSingle(origin - sign) + distance;

        Vector256<float> turns = sixths / Vector256.Create((float)Sectors);
        turns += Vector256.LessThan(turns, Vector256<float>.Zero) & Vector256<float>.One;
        Vector256<float> saturation = Vector256.ConvertToSingle(range) / Vector256.ConvertToSingle(max);
        Vector256<float> full = Vector256.Create(255f);
        return (
            Vector256.ConvertToInt32Native(turns * full) & coloured,
            Vector256.ConvertToInt32Native(saturation * full) & coloured,
            max);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<int> R, Vector256<int> G, Vector256<int> B) ToRgb(Vector256<int> h, Vector256<int> s, Vector256<int> v)
    {
        // A sixth of the circle is 42.5 steps: twice the hue is sector * 85 + place, place 0..84. 1543 / 2^17 is 1 / 85, rounded up.
        Vector256<int> doubled = h + h;
        Vector256<int> sector = (doubled * Vector256.Create(1543)) >> 17;
        Vector256<int> place = doubled - sector * Vector256.Create(85);
        Vector256<int> product = v * s;
        Vector256<int> low = v - Share(product, Vector256.Create(85));
        Vector256<int> falling = v - Share(product, place);
        Vector256<int> rising = v - Share(product, Vector256.Create(85) - place);

        // sector     0        1        2        3        4        5        (6 is 0 again)
        // red        v        falling  low      low      rising   v
        // green      rising   v        v        falling  low      low
        // blue       low      low      rising   v        v        falling
        sector = Vector256.ConditionalSelect(Vector256.Equals(sector, Vector256.Create(Sectors)), Vector256<int>.Zero, sector);
        Vector256<int> is0 = Vector256.Equals(sector, Vector256<int>.Zero), is1 = Is(sector, 1), is2 = Is(sector, 2);
        Vector256<int> is3 = Is(sector, 3), is4 = Is(sector, 4), is5 = Is(sector, 5);
        return (
            (v & (is0 | is5)) | (falling & is1) | (low & (is2 | is3)) | (rising & is4),
            (v & (is1 | is2)) | (falling & is3) | (low & (is4 | is5)) | (rising & is0),
            (v & (is3 | is4)) | (falling & is5) | (low & (is0 | is1)) | (rising & is2));
    }

    /// <summary>v s place / (255 * 85), rounded. There are no ties, and the numerator stays below 2^24: floats hold it exactly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Share(Vector256<int> product, Vector256<int> place)
    {
        const int Whole = 255 * 85;
        Vector256<int> numerator = product * place + Vector256.Create(Whole / 2);
        return Vector256.ConvertToInt32Native(Vector256.ConvertToSingle(numerator) * Vector256.Create(1f / Whole));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Is(Vector256<int> sector, int number) => Vector256.Equals(sector, Vector256.Create(number));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Channel(Vector256<byte> pixels, byte c)
    {
        Vector256<byte> order = Vector256.Create(
            c, Zero, Zero, Zero, (byte)(c + 3), Zero, Zero, Zero, (byte)(c + 6), Zero, Zero, Zero, (byte)(c + 9), Zero, Zero, Zero,
            c, Zero, Zero, Zero, (byte)(c + 3), Zero, Zero, Zero, (byte)(c + 6), Zero, Zero, Zero, (byte)(c + 9), Zero, Zero, Zero);
        return PixelVectors.PickInHalves(pixels, order).AsInt32();
    }
}
