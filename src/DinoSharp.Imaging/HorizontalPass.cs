using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DinoSharp.Imaging;

/// <summary>Resampling along rows, four rows at a time so that they share the unpacking of the weights.</summary>
/// <param name="source">The first pixel. Up to 16 bytes past the last window are read.</param>
/// <param name="sourceStride">Bytes from row to row.</param>
/// <param name="rows">Rows, of the source and of the result.</param>
/// <param name="destination">Where the result goes. Each row needs <see cref="Room"/> past its last pixel.</param>
/// <param name="stride">Bytes from row to row of the result.</param>
/// <param name="channels">Samples of a pixel.</param>
internal readonly unsafe struct HorizontalPass(byte* source, long sourceStride, int rows, byte* destination, long stride, int channels)
{
    /// <summary>Bytes past the last pixel of a row that may be written: a pixel of one byte is stored as four.</summary>
    public const int Room = 3;

    private const int RowsAtOnce = 4;
    private const byte Zero = 255;

    /// <param name="table">The windows of a row.</param>
    /// <param name="first">The window of the result's first pixel.</param>
    /// <param name="width">Pixels in a row of the result.</param>
    /// <param name="mirror">Whether the result's pixels are in the opposite order.</param>
    public void Run(ResampleTable table, int first, int width, bool mirror)
    {
        // As for memory the result always goes from left to right.
        (int start, int step) = mirror ? (first + width - 1, -1) : (first, 1);
        switch (channels, table.Layout)
        {
            case (3, WeightLayout.Bytes):
                Run<RgbPixels, Dots>(table, start, step, width);
                break;
            case (3, _):
                Run<RgbPixels, Pairs>(table, start, step, width);
                break;
            case (1, WeightLayout.Bytes):
                Run<GreyPixels, Dots>(table, start, step, width);
                break;
            case (1, _):
                Run<GreyPixels, Pairs>(table, start, step, width);
                break;
            case (4, WeightLayout.Bytes):
                Run<FourChannels, Dots>(table, start, step, width);
                break;
            case (4, _):
                Run<FourChannels, Pairs>(table, start, step, width);
                break;
            default:
                RunSampleBySample(table, start, step, width);
                break;
        }
    }

    private void Run<TPixels, TWindow>(ResampleTable table, int window, int step, int width)
        where TPixels : IPixelOrder
        where TWindow : IRowWindow
    {
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
                long weightsPerStep = step * (long)table.WeightsPerWindow, to = 0;
                short* weights = allWeights + (long)window * table.WeightsPerWindow;
                for (int x = 0, i = window; x < width; x++, i += step)
                {
                    long at = starts[i] * (long)TPixels.Channels;
                    Vector128<uint> pixels =
                        TWindow.Of<TPixels>(from0 + at, from1 + at, from2 + at, from3 + at, weights, counts[i]).AsUInt32();

                    // What goes beyond a pixel of fewer than four bytes has no meaning; the next pixel is written over it.
                    ulong lower = pixels.AsUInt64().ToScalar(), upper = pixels.AsUInt64().GetElement(1);
                    *(uint*)(to0 + to) = (uint)lower;
                    *(uint*)(to1 + to) = (uint)(lower >> 32);
                    *(uint*)(to2 + to) = (uint)upper;
                    *(uint*)(to3 + to) = (uint)(upper >> 32);
                    weights += weightsPerStep;
                    to += TPixels.Channels;
                }
            }
        }
    }

    private void RunSampleBySample(ResampleTable table, int window, int step, int width)
    {
        for (int x = 0, i = window; x < width; x++, i += step)
        {
            int count = table.Counts[i];
            for (int y = 0; y < rows; y++)
            {
                for (int c = 0; c < channels; c++)
                {
                    byte* from = source + y * sourceStride + (long)table.Starts[i] * channels + c;
                    int sum = 1 << (ResampleTable.PrecisionBits - 1);
                    for (int k = 0; k < count; k++)
                    {
                        sum += table.WeightAt(i, k) * from[k * channels];
                    }

                    destination[y * stride + (long)x * channels + c] = (byte)Math.Clamp(sum >> ResampleTable.PrecisionBits, 0, 255);
                }
            }
        }
    }

    /// <summary>How pixels lie in 16 bytes.</summary>
    private interface IPixelOrder
    {
        static abstract int Channels { get; }

        /// <summary>Of four pixels, a lane of 32 bits for each channel: its four samples.</summary>
        static abstract Vector128<byte> ByChannel { get; }
    }

    /// <summary>A window over four rows.</summary>
    private interface IRowWindow
    {
        /// <returns>Four bytes for each row, of which as many as there are channels have a meaning.</returns>
        static abstract Vector128<byte> Of<TPixels>(byte* row0, byte* row1, byte* row2, byte* row3, short* weights, int count)
            where TPixels : IPixelOrder;
    }

    private readonly struct GreyPixels : IPixelOrder
    {
        public static int Channels => 1;

        public static Vector128<byte> ByChannel
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => Vector128.Create(0, 1, 2, 3, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero, Zero);
        }
    }

    private readonly struct RgbPixels : IPixelOrder
    {
        public static int Channels => 3;

        public static Vector128<byte> ByChannel
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => Vector128.Create(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, Zero, Zero, Zero, Zero);
        }
    }

    private readonly struct FourChannels : IPixelOrder
    {
        public static int Channels => 4;

        public static Vector128<byte> ByChannel
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => Vector128.Create((byte)0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        }
    }

    /// <summary>By products of four bytes with four bytes, two rows in a vector.</summary>
    private readonly struct Dots : IRowWindow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Of<TPixels>(byte* row0, byte* row1, byte* row2, byte* row3, short* weights, int count)
            where TPixels : IPixelOrder
        {
            Vector256<int> half = Vector256.Create(1 << (ResampleTable.PrecisionBits - 1));
            Vector256<int> a02 = default, b02 = default, c02 = half, a13 = default, b13 = default, c13 = half;
            Vector256<byte> order = Vector256.Create(TPixels.ByChannel, TPixels.ByChannel);
            for (long k = 0; k < count; k += ResampleTable.GroupSize)
            {
                int* group = (int*)(weights + 2 * k);
                Vector256<sbyte> a = Vector256.Create(group[0]).AsSByte(), b = Vector256.Create(group[1]).AsSByte();
                Vector256<sbyte> c = Vector256.Create(group[2]).AsSByte();
                long at = k * TPixels.Channels;
                Vector256<byte> samples = Avx2.Shuffle(Vector256.Create(Vector128.Load(row0 + at), Vector128.Load(row2 + at)), order);
                a02 = AvxVnni.MultiplyWideningAndAdd(a02, samples, a);
                b02 = AvxVnni.MultiplyWideningAndAdd(b02, samples, b);
                c02 = AvxVnni.MultiplyWideningAndAdd(c02, samples, c);
                samples = Avx2.Shuffle(Vector256.Create(Vector128.Load(row1 + at), Vector128.Load(row3 + at)), order);
                a13 = AvxVnni.MultiplyWideningAndAdd(a13, samples, a);
                b13 = AvxVnni.MultiplyWideningAndAdd(b13, samples, b);
                c13 = AvxVnni.MultiplyWideningAndAdd(c13, samples, c);
            }

            Vector256<int> rows02 = ((((a02 << 8) + b02) << 8) + c02) >> ResampleTable.PrecisionBits;
            Vector256<int> rows13 = ((((a13 << 8) + b13) << 8) + c13) >> ResampleTable.PrecisionBits;
            return PixelVectors.ToBytes(rows02.GetLower(), rows13.GetLower(), rows02.GetUpper(), rows13.GetUpper());
        }
    }

    /// <summary>By products of pairs of 16-bit numbers, a row in a vector.</summary>
    private readonly struct Pairs : IRowWindow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<byte> Of<TPixels>(byte* row0, byte* row1, byte* row2, byte* row3, short* weights, int count)
            where TPixels : IPixelOrder
        {
            Vector256<int> high0 = default, high1 = default, high2 = default, high3 = default;
            Vector256<int> low0 = default, low1 = default, low2 = default, low3 = default;
            for (long k = 0; k < count; k += ResampleTable.GroupSize)
            {
                // As the samples: weights 0 and 1 in the first half of a vector, 2 and 3 in the second.
                Vector256<int> group = Vector128.Load(weights + 2 * k).AsInt32().ToVector256Unsafe();
                Vector256<short> high = Vector256.Shuffle(group, Vector256.Create(0, 0, 0, 0, 1, 1, 1, 1)).AsInt16();
                Vector256<short> low = Vector256.Shuffle(group, Vector256.Create(2, 2, 2, 2, 3, 3, 3, 3)).AsInt16();

                long at = k * TPixels.Channels;
                Vector256<short> pairs = FourPixels<TPixels>(row0 + at);
                high0 += PixelVectors.MultiplyAddPairs(pairs, high);
                low0 += PixelVectors.MultiplyAddPairs(pairs, low);
                pairs = FourPixels<TPixels>(row1 + at);
                high1 += PixelVectors.MultiplyAddPairs(pairs, high);
                low1 += PixelVectors.MultiplyAddPairs(pairs, low);
                pairs = FourPixels<TPixels>(row2 + at);
                high2 += PixelVectors.MultiplyAddPairs(pairs, high);
                low2 += PixelVectors.MultiplyAddPairs(pairs, low);
                pairs = FourPixels<TPixels>(row3 + at);
                high3 += PixelVectors.MultiplyAddPairs(pairs, high);
                low3 += PixelVectors.MultiplyAddPairs(pairs, low);
            }

            return PixelVectors.ToBytes(Sum(high0, low0), Sum(high1, low1), Sum(high2, low2), Sum(high3, low3));
        }

        /// <summary>Of four pixels, as 16-bit lanes: samples 0 and 1 of each channel, then samples 2 and 3.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<short> FourPixels<TPixels>(byte* pixels)
            where TPixels : IPixelOrder
        {
            // A byte of ByChannel goes to a lane of 16 bits: the first two of its four to the first half.
            Vector128<byte> order = TPixels.ByChannel, zero = Vector128.Create(Zero);
            Vector128<byte> evens = Vector128.Create((byte)0, 1, 4, 5, 8, 9, 12, 13, 0, 0, 0, 0, 0, 0, 0, 0);
            Vector128<byte> first = Vector128.Shuffle(order, evens), second = Vector128.Shuffle(order, evens + Vector128.Create((byte)2));
            Vector256<byte> picks = Vector256.Create(
                PixelVectors.Interleave(first, zero).Lower,
                PixelVectors.Interleave(second, zero).Lower);
            return PixelVectors.PickFromSixteen(pixels, picks).AsInt16();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector128<int> Sum(Vector256<int> high, Vector256<int> low)
        {
            Vector256<int> halves = (high << ResampleTable.LowBits) + low;
            Vector128<int> rounding = Vector128.Create(1 << (ResampleTable.PrecisionBits - 1));
            return (halves.GetLower() + halves.GetUpper() + rounding) >> ResampleTable.PrecisionBits;
        }
    }
}
