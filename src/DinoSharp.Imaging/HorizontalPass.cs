using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DinoSharp.Imaging;

/// <summary>Resampling along the rows of RGB pixels, four rows at a time so that they share the unpacking of the weights.</summary>
internal static unsafe class HorizontalPass
{
    private const int RowsAtOnce = 4;
    private const byte Zero = 255;

    /// <param name="source">The first pixel. Up to 13 bytes past the last one are read.</param>
    /// <param name="sourceStride">Bytes from row to row.</param>
    /// <param name="rows">Rows, of the source and of the result.</param>
    /// <param name="destination">Where the result goes. Each row needs a byte of room past its last pixel.</param>
    /// <param name="stride">Bytes from row to row of the result.</param>
    /// <param name="width">Pixels in a row of the result.</param>
    /// <param name="table">The windows of such a row.</param>
    public static void Run(byte* source, long sourceStride, int rows, byte* destination, long stride, int width, ResampleTable table)
    {
        int weightsPerWindow = table.WeightsPerWindow;
        fixed (int* starts = table.Starts, counts = table.Counts)
        fixed (short* allWeights = table.Weights)
        {
            for (int y = 0; y < rows; y += RowsAtOnce)
            {
                // Where fewer than four rows are left, the last one is done again.
                int y1 = Math.Min(y + 1, rows - 1), y2 = Math.Min(y + 2, rows - 1), y3 = Math.Min(y + 3, rows - 1);
                byte* from0 = source + y * sourceStride, to0 = destination + y * stride;
                byte* from1 = source + y1 * sourceStride, to1 = destination + y1 * stride;
                byte* from2 = source + y2 * sourceStride, to2 = destination + y2 * stride;
                byte* from3 = source + y3 * sourceStride, to3 = destination + y3 * stride;
                short* weights = allWeights;
                for (int x = 0; x < width; x++)
                {
                    long at = starts[x] * 3L;
                    Vector128<uint> pixels = Window(from0 + at, from1 + at, from2 + at, from3 + at, weights, counts[x]).AsUInt32();

                    // The fourth byte has no meaning; the next pixel is written over it.
                    long to = x * 3L;
                    *(uint*)(to0 + to) = pixels.ToScalar();
                    *(uint*)(to1 + to) = pixels.GetElement(1);
                    *(uint*)(to2 + to) = pixels.GetElement(2);
                    *(uint*)(to3 + to) = pixels.GetElement(3);
                    weights += weightsPerWindow;
                }
            }
        }
    }

    /// <summary>One window over four rows: RGB and a byte without meaning of each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Window(byte* row0, byte* row1, byte* row2, byte* row3, short* weights, int count)
    {
        Vector256<int> high0 = default, high1 = default, high2 = default, high3 = default;
        Vector256<int> low0 = default, low1 = default, low2 = default, low3 = default;
        for (long k = 0; k < count; k += ResampleTable.GroupSize)
        {
            // As the pixels: weights 0 and 1 in the first half of a vector, 2 and 3 in the second.
            Vector256<int> group = Vector128.Load(weights + 2 * k).AsInt32().ToVector256Unsafe();
            Vector256<short> high = Vector256.Shuffle(group, Vector256.Create(0, 0, 0, 0, 1, 1, 1, 1)).AsInt16();
            Vector256<short> low = Vector256.Shuffle(group, Vector256.Create(2, 2, 2, 2, 3, 3, 3, 3)).AsInt16();

            Vector256<short> pairs = FourPixels(row0 + 3 * k);
            high0 += PixelVectors.MultiplyAddPairs(pairs, high);
            low0 += PixelVectors.MultiplyAddPairs(pairs, low);
            pairs = FourPixels(row1 + 3 * k);
            high1 += PixelVectors.MultiplyAddPairs(pairs, high);
            low1 += PixelVectors.MultiplyAddPairs(pairs, low);
            pairs = FourPixels(row2 + 3 * k);
            high2 += PixelVectors.MultiplyAddPairs(pairs, high);
            low2 += PixelVectors.MultiplyAddPairs(pairs, low);
            pairs = FourPixels(row3 + 3 * k);
            high3 += PixelVectors.MultiplyAddPairs(pairs, high);
            low3 += PixelVectors.MultiplyAddPairs(pairs, low);
        }

        return PixelVectors.ToBytes(Sum(high0, low0), Sum(high1, low1), Sum(high2, low2), Sum(high3, low3));
    }

    /// <summary>Of four RGB pixels, as 16-bit lanes: R0 R1 G0 G1 B0 B1 0 0 and R2 R3 G2 G3 B2 B3 0 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> FourPixels(byte* rgb)
    {
        Vector256<byte> order = Vector256.Create(
            0, Zero, 3, Zero, 1, Zero, 4, Zero, 2, Zero, 5, Zero, Zero, Zero, Zero, Zero,
            6, Zero, 9, Zero, 7, Zero, 10, Zero, 8, Zero, 11, Zero, Zero, Zero, Zero, Zero);
        return PixelVectors.PickFromSixteen(rgb, order).AsInt16();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Sum(Vector256<int> high, Vector256<int> low)
    {
        Vector256<int> halves = (high << ResampleTable.LowBits) + low;
        Vector128<int> rounding = Vector128.Create(1 << (ResampleTable.PrecisionBits - 1));
        return (halves.GetLower() + halves.GetUpper() + rounding) >> ResampleTable.PrecisionBits;
    }
}
