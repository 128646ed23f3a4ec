using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DinoSharp.Imaging;

/// <summary>Luma of ITU-R 601-2 in Pillow's fixed point: <c>(19595 R + 38470 G + 7471 B + 32768) >> 16</c>.</summary>
internal static unsafe class Luma
{
    // Sums of pairs of signed 16-bit products: green's weight does not fit, so half of it goes with red and half with blue.
    internal const short Red = 19595, HalfGreen = 19235, Blue = 7471;

    /// <summary>The luma of one pixel.</summary>
    public static byte Of(byte red, byte green, byte blue) => (byte)((Red * red + 2 * HalfGreen * green + Blue * blue + 32768) >> 16);

    /// <summary>The luma of four RGB pixels; reads 16 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> OfFour(byte* rgb)
    {
        const byte Zero = 255;
        Vector256<byte> redGreenThenBlueGreen = Vector256.Create(
            0, Zero, 1, Zero, 3, Zero, 4, Zero, 6, Zero, 7, Zero, 9, Zero, 10, Zero,
            2, Zero, 1, Zero, 5, Zero, 4, Zero, 8, Zero, 7, Zero, 11, Zero, 10, Zero);
        Vector256<short> weights = Vector256.Create(
            Red, HalfGreen, Red, HalfGreen, Red, HalfGreen, Red, HalfGreen,
            Blue, HalfGreen, Blue, HalfGreen, Blue, HalfGreen, Blue, HalfGreen);
        Vector256<short> samples = PixelVectors.PickFromSixteen(rgb, redGreenThenBlueGreen).AsInt16();
        Vector256<int> halves = PixelVectors.MultiplyAddPairs(samples, weights);
        return (halves.GetLower() + halves.GetUpper() + Vector128.Create(32768)) >> 16;
    }

    /// <summary>The luma of eight RGB pixels; reads 28 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> OfEight(byte* rgb) => Vector256.Create(OfFour(rgb), OfFour(rgb + 12));

    /// <summary>The mean luma of an image, rounded.</summary>
    public static int Mean(PixelImage image)
    {
        int pixels = image.Width * image.Height;
        return (int)((double)(WidePixels.IsSupported ? SumWide(image, pixels) : Sum(image, pixels)) / pixels + 0.5);
    }

    private static long Sum(PixelImage image, int pixels)
    {
        Vector256<long> sums = Vector256<long>.Zero;
        fixed (byte* rgb = image.PixelsAndSlack)
        {
            int whole = pixels & ~3;
            for (int i = 0; i < whole; i += 4)
            {
                sums += Vector256.WidenLower(OfFour(rgb + 3L * i).ToVector256Unsafe());
            }

            long sum = Vector256.Sum(sums);
            for (int i = whole; i < pixels; i++)
            {
                sum += OfFour(rgb + 3L * i).ToScalar();
            }

            return sum;
        }
    }

    private static long SumWide(PixelImage image, int pixels)
    {
        Vector512<long> sums = Vector512<long>.Zero;
        fixed (byte* rgb = image.PixelsAndSlack)
        {
            for (int i = 0; i < pixels; i += WidePixels.Count)
            {
                (Vector512<int> r, Vector512<int> g, Vector512<int> b) = WidePixels.Load(rgb + 3L * i);
                Vector512<int> inside = Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(pixels - i));
                Vector512<int> luma = WidePixels.LumaOf(r, g, b) & inside;
                sums += Vector512.WidenLower(luma) + Vector512.WidenUpper(luma);
            }
        }

        return Vector512.Sum(sums);
    }
}
