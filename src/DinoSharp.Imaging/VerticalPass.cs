using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DinoSharp.Imaging;

/// <summary>Resampling along the columns of interleaved samples, 64 columns at a time, or 32 where vectors are shorter.</summary>
internal static unsafe class VerticalPass
{
    /// <summary>Rows are read and written in whole blocks of at most this many columns.</summary>
    public const int ColumnsAtOnce = 64;

    private const int ShortColumnsAtOnce = 32;

    /// <summary>
    /// Bytes from row to row of a source for this many columns: whole blocks of this pass, and the room that <see cref="HorizontalPass"/>
    /// needs past the last pixel.
    /// </summary>
    public static int StrideFor(int columns) => (columns + HorizontalPass.Room + ColumnsAtOnce - 1) & ~(ColumnsAtOnce - 1);

    /// <param name="source">The first row. Rows are read in whole blocks of <see cref="ColumnsAtOnce"/>.</param>
    /// <param name="sourceStride">Bytes from row to row.</param>
    /// <param name="destination">
    /// Where the result goes, its rows without gaps. The last block of a row reaches into the next, which is written later; past the last
    /// row there must be room.
    /// </param>
    /// <param name="rowLength">Samples in a row of the result.</param>
    /// <param name="first">The window of the result's first row. The source begins where it does.</param>
    /// <param name="rows">Rows of the result.</param>
    /// <param name="table">The windows of a column.</param>
    public static void Run(byte* source, long sourceStride, byte* destination, int rowLength, int first, int rows, ResampleTable table)
    {
        int weightsPerWindow = table.WeightsPerWindow;
        fixed (int* starts = table.Starts, counts = table.Counts)
        fixed (short* allWeights = table.Weights)
        {
            for (int y = 0; y < rows; y++)
            {
                int i = first + y, count = counts[i];
                byte* window = source + (starts[i] - starts[first]) * sourceStride;
                byte* to = destination + (long)y * rowLength;
                int* weights = (int*)(allWeights + (long)i * weightsPerWindow);
                if (Avx512BW.IsSupported)
                {
                    for (int x = 0; x < rowLength; x += ColumnsAtOnce)
                    {
                        LongWindow(window + x, sourceStride, weights, count, to + x);
                    }
                }
                else
                {
                    for (int x = 0; x < rowLength; x += ShortColumnsAtOnce)
                    {
                        Window(window + x, sourceStride, weights, count, to + x);
                    }
                }
            }
        }
    }

    /// <summary>As <see cref="Window"/>. Unpacking and packing keep to lanes of 128 bits, so that one undoes the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LongWindow(byte* window, long stride, int* weights, int count, byte* destination)
    {
        Vector512<int> high0 = default, high1 = default, high2 = default, high3 = default;
        Vector512<int> low0 = default, low1 = default, low2 = default, low3 = default;
        for (int k = 0; k < count; k += 2)
        {
            byte* row = window + k * stride;
            byte* next = k + 1 < count ? row + stride : row;
            int* pair = weights + (k & ~(ResampleTable.GroupSize - 1)) + (k & 2) / 2;
            Vector512<short> high = Vector512.Create(pair[0]).AsInt16(), low = Vector512.Create(pair[2]).AsInt16();

            Vector512<byte> upper = Vector512.Load(row), lower = Vector512.Load(next), zero = Vector512<byte>.Zero;
            Vector512<byte> first = Avx512BW.UnpackLow(upper, lower), second = Avx512BW.UnpackHigh(upper, lower);
            Vector512<short> pairs = Avx512BW.UnpackLow(first, zero).AsInt16();
            high0 += Avx512BW.MultiplyAddAdjacent(pairs, high);
            low0 += Avx512BW.MultiplyAddAdjacent(pairs, low);
            pairs = Avx512BW.UnpackHigh(first, zero).AsInt16();
            high1 += Avx512BW.MultiplyAddAdjacent(pairs, high);
            low1 += Avx512BW.MultiplyAddAdjacent(pairs, low);
            pairs = Avx512BW.UnpackLow(second, zero).AsInt16();
            high2 += Avx512BW.MultiplyAddAdjacent(pairs, high);
            low2 += Avx512BW.MultiplyAddAdjacent(pairs, low);
            pairs = Avx512BW.UnpackHigh(second, zero).AsInt16();
            high3 += Avx512BW.MultiplyAddAdjacent(pairs, high);
            low3 += Avx512BW.MultiplyAddAdjacent(pairs, low);
        }

        Vector512<short> left = Avx512BW.PackSignedSaturate(Round(high0, low0), Round(high1, low1));
        Vector512<short> right = Avx512BW.PackSignedSaturate(Round(high2, low2), Round(high3, low3));
        Avx512BW.PackUnsignedSaturate(left, right).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Round(Vector512<int> high, Vector512<int> low) =>
        ((high << ResampleTable.LowBits) + low + Vector512.Create(1 << (ResampleTable.PrecisionBits - 1))) >> ResampleTable.PrecisionBits;

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
