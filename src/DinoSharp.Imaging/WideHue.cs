using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DinoSharp.Imaging;

/// <summary><see cref="HueRotation"/> for sixteen pixels at a time: the same numbers, put in their places by permutations.</summary>
internal static unsafe class WideHue
{
    private const int Sectors = 6;

    // Bytes of a lane as ToRgb packs them.
    private const int V = 0, Falling = 1, Low = 2, Rising = 3;

    /// <summary>Adds <paramref name="steps"/> of 1/256 of the circle to the hue of sixteen RGB pixels. Reads 64 bytes and writes 48.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Rotate(byte* rgb, int steps)
    {
        (Vector512<int> r, Vector512<int> g, Vector512<int> b) = WidePixels.Load(rgb);
        (Vector512<int> h, Vector512<int> s, Vector512<int> v) = ToHsv(r, g, b);
        h = (h + Vector512.Create(steps)) & Vector512.Create(255);
        WidePixels.Store(ToRgb(h, s, v), rgb);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<int> H, Vector512<int> S, Vector512<int> V) ToHsv(Vector512<int> r, Vector512<int> g, Vector512<int> b)
    {
        Vector512<int> max = Vector512.Max(r, Vector512.Max(g, b)), min = Vector512.Min(r, Vector512.Min(g, b)), range = max - min;

        // As HueRotation.ToHsv; here comparisons are masks, which cost nothing to choose by.
        Vector512<int> redIsMax = Vector512.Equals(r, max), greenIsMax = Vector512.Equals(g, max);
        Vector512<float> extent = Vector512.ConvertToSingle(range);
        Vector512<int> middle = r + g + b - max - min;
        Vector512<int> minus = Vector512.ConditionalSelect(
            redIsMax, Vector512.Equals(b, min), Vector512.ConditionalSelect(greenIsMax, Vector512.Equals(r, min), Vector512.Equals(g, min)));
        Vector512<int> origin = Vector512.ConditionalSelect(
            redIsMax, Vector512<int>.Zero, Vector512.ConditionalSelect(greenIsMax, Vector512.Create(2), Vector512.Create(4)));
        Vector512<int> sign = minus | Vector512<int>.One;
        Vector512<float> distance = Vector512.ConvertToSingle(((max - middle) ^ minus) - minus) / extent;
        Vector512<float> turns = (Vector512.ConvertToSingle(origin - sign) + distance) / Vector512.Create((float)Sectors);
        turns = Vector512.ConditionalSelect(Vector512.LessThan(turns, Vector512<float>.Zero), turns + Vector512<float>.One, turns);
        Vector512<float> saturation = extent / Vector512.ConvertToSingle(max), full = Vector512.Create(255f);
        Vector512<int> coloured = Vector512.GreaterThan(range, Vector512<int>.Zero);
        return (
            Vector512.ConvertToInt32Native(turns * full) & coloured,
            Vector512.ConvertToInt32Native(saturation * full) & coloured,
            max);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> ToRgb(Vector512<int> h, Vector512<int> s, Vector512<int> v)
    {
        Vector512<int> doubled = h + h;
        Vector512<int> sector = WidePixels.MultiplySmall(doubled, Vector512.Create(1543)) >> 17;
        Vector512<int> place = doubled - WidePixels.MultiplySmall(sector, Vector512.Create(85));
        Vector512<float> product = Vector512.ConvertToSingle(WidePixels.MultiplySmall(v, s)), at = Vector512.ConvertToSingle(place);
        Vector512<int> low = v - Share(product, Vector512.Create(85f));
        Vector512<int> falling = v - Share(product, at);
        Vector512<int> rising = v - Share(product, Vector512.Create(85f) - at);
        Vector512<int> values = v | (falling << 8) | (low << 16) | (rising << 24);

        // For each sector, which of its bytes a lane's red, green and blue are; then counted from the start of four lanes.
        Vector512<int> orders = Vector512.Create(
            Order(V, Rising, Low), Order(Falling, V, Low), Order(Low, V, Rising), Order(Low, Falling, V),
            Order(Rising, Low, V), Order(V, Low, Falling), Order(V, Rising, Low), 0, 0, 0, 0, 0, 0, 0, 0, 0);
        Vector512<int> lanes = Vector512.Create(0, 0x040404, 0x080808, 0x0C0C0C, 0, 0x040404, 0x080808, 0x0C0C0C,
            0, 0x040404, 0x080808, 0x0C0C0C, 0, 0x040404, 0x080808, 0x0C0C0C);
        Vector512<int> picks = Avx512F.PermuteVar16x32(orders, sector) + lanes;
        return Avx512BW.Shuffle(values.AsByte(), picks.AsByte()).AsInt32();
    }

    private static int Order(int red, int green, int blue) => red | (green << 8) | (blue << 16);

    // As HueRotation.Share: all of it below 2^24 and so exact in floats, too, up to the last product.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Share(Vector512<float> product, Vector512<float> place)
    {
        const int Whole = 255 * 85;
        Vector512<float> numerator = product * place + Vector512.Create((float)(Whole / 2));
        return Vector512.ConvertToInt32Native(numerator * Vector512.Create(1f / Whole));
    }
}
