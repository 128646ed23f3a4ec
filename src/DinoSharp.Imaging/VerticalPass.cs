using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DinoSharp.Imaging;

/// <summary>Resampling along the columns of interleaved samples, 32 columns at a time.</summary>
internal static unsafe class VerticalPass
{
    public const int ColumnsAtOnce = 32;

    /// <param name="source">The first row. Rows are read in whole blocks of <see cref="ColumnsAtOnce"/>.</param>
    /// <param name="sourceStride">Bytes from row to row.</param>
    /// <param name="destination">
    /// Where the result goes, its rows without gaps. The last block of a row reaches into the next, which is written later; past the last
    /// row there must be room.
    /// </param>
    /// <param name="rowLength">Samples in a row of the result.</param>
    /// <param name="rows">Rows of the result.</param>
    /// <param name="table">The windows of a column.</param>
    public static void Run(byte* source, long sourceStride, byte* destination, int rowLength, int rows, ResampleTable table)
    {
        int weightsPerWindow = table.WeightsPerWindow;
        fixed (int* starts = table.Starts, counts = table.Counts)
        fixed (short* allWeights = table.Weights)
        {
            for (int y = 0; y < rows; y++)
            {
                byte* window = source + starts[y] * sourceStride;
                byte* to = destination + (long)y * rowLength;
                int* weights = (int*)(allWeights + (long)y * weightsPerWindow);
                for (int x = 0; x < rowLength; x += ColumnsAtOnce)
                {
                    Window(window + x, sourceStride, weights, counts[y], to + x);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Window(byte* window, long stride, int* weights, int count, byte* destination)
    {
        Vector256<int> high0 = default, high1 = default, high2 = default, high3 = default;
        Vector256<int> low0 = default, low1 = default, low2 = default, low3 = default;
        for (int k = 0; k < count; k += 2)
        {
            // Two rows as pairs of samples. Past the end of an odd window the weight is 0, and any row will do.
            byte* row = window + k * stride;
            byte* next = k + 1 < count ? row + stride : row;
            int* pair = weights + (k & ~(ResampleTable.GroupSize - 1)) + (k & 2) / 2;
            Vector256<short> high = Vector256.Create(pair[0]).AsInt16(), low = Vector256.Create(pair[2]).AsInt16();

            (Vector128<byte> first, Vector128<byte> second) = PixelVectors.Interleave(Vector128.Load(row), Vector128.Load(next));
            Vector256<short> pairs = PixelVectors.ToInt16(first);
            high0 += PixelVectors.MultiplyAddPairs(pairs, high);
            low0 += PixelVectors.MultiplyAddPairs(pairs, low);
            pairs = PixelVectors.ToInt16(second);
            high1 += PixelVectors.MultiplyAddPairs(pairs, high);
            low1 += PixelVectors.MultiplyAddPairs(pairs, low);

            (first, second) = PixelVectors.Interleave(Vector128.Load(row + 16), Vector128.Load(next + 16));
            pairs = PixelVectors.ToInt16(first);
            high2 += PixelVectors.MultiplyAddPairs(pairs, high);
            low2 += PixelVectors.MultiplyAddPairs(pairs, low);
            pairs = PixelVectors.ToInt16(second);
            high3 += PixelVectors.MultiplyAddPairs(pairs, high);
            low3 += PixelVectors.MultiplyAddPairs(pairs, low);
        }

        Round(high0, low0, high1, low1).Store(destination);
        Round(high2, low2, high3, low3).Store(destination + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Round(Vector256<int> highA, Vector256<int> lowA, Vector256<int> highB, Vector256<int> lowB)
    {
        Vector256<int> half = Vector256.Create(1 << (ResampleTable.PrecisionBits - 1));
        Vector256<int> a = ((highA << ResampleTable.LowBits) + lowA + half) >> ResampleTable.PrecisionBits;
        Vector256<int> b = ((highB << ResampleTable.LowBits) + lowB + half) >> ResampleTable.PrecisionBits;
        return PixelVectors.ToBytes(a.GetLower(), a.GetUpper(), b.GetLower(), b.GetUpper());
    }
}
