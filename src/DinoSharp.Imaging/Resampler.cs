using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DinoSharp.Imaging;

/// <summary>
/// Pillow's antialiased resampling, to the bit: separable, horizontal pass first, in fixed point with rounding to 8 bits after each pass.
/// </summary>
public static unsafe class Resampler
{
    private const int RowsAtOnce = 4;
    private const int ColumnsAtOnce = 32;

    /// <summary>Resamples a part of an image to the size of another, as Pillow's <c>crop(box).resize(size, filter)</c>.</summary>
    /// <param name="source">An RGB image.</param>
    /// <param name="box">The part; pixels outside of it play no role.</param>
    /// <param name="destination">An RGB image, not the source, all of which is overwritten.</param>
    /// <param name="filter">The kernel.</param>
    /// <exception cref="ArgumentException">The box does not lie in the source, or an image is not RGB.</exception>
    public static void Resize(PixelImage source, CropBox box, PixelImage destination, ResampleFilter filter)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        source.RequireRgb();
        destination.RequireRgb();
        if (!box.LiesIn(source))
        {
            throw new ArgumentException($"{box} does not lie in an image of width {source.Width} and height {source.Height}.", nameof(box));
        }

        // A row of the middle image has room for the last vector of either pass.
        int stride = (destination.Width * 3 + ColumnsAtOnce) & ~(ColumnsAtOnce - 1);
        using PooledBytes middle = new(checked(box.Height * stride));
        using ResampleTable across = new(box.Width, destination.Width, filter), down = new(box.Height, destination.Height, filter);
        fixed (byte* from = source.PixelsAndSlack, between = middle.Span, to = destination.PixelsAndSlack)
        {
            byte* corner = from + ((long)box.Top * source.Width + box.Left) * 3;
            ResampleRows(corner, source.Width * 3, box.Height, between, stride, destination.Width, across);
            ResampleColumns(between, stride, to, destination.Width * 3, destination.Height, down);
        }
    }

    private static void ResampleRows(byte* source, long sourceStride, int rows, byte* destination, int stride, int width, ResampleTable table)
    {
        for (int y = 0; y < rows; y += RowsAtOnce)
        {
            // Where fewer than four rows are left, the last one is done again.
            int last = rows - 1 - y;
            long row1 = Math.Min(1, last), row2 = Math.Min(2, last), row3 = Math.Min(3, last);
            byte* from = source + y * sourceStride;
            byte* to = destination + (long)y * stride;
            for (int x = 0; x < width; x++)
            {
                (int start, int count) = table.Window(x);
                byte* p = from + start * 3L;
                fixed (short* weights = table.Weights(x))
                {
                    Vector128<byte> pixels = FourPixels(
                        p, p + row1 * sourceStride, p + row2 * sourceStride, p + row3 * sourceStride, weights, count);
                    // Three bytes matter; the fourth is the next pixel's first, written after it.
                    Vector128<uint> each = pixels.AsUInt32();
                    byte* q = to + x * 3;
                    *(uint*)q = each.GetElement(0);
                    *(uint*)(q + row1 * stride) = each.GetElement(1);
                    *(uint*)(q + row2 * stride) = each.GetElement(2);
                    *(uint*)(q + row3 * stride) = each.GetElement(3);
                }
            }
        }
    }

    /// <summary>The window over four rows: RGB and a meaningless byte of each. Reads up to 13 bytes past a window.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> FourPixels(byte* a, byte* b, byte* c, byte* d, short* weights, int count)
    {
        Vector256<int> highA = default, highB = default, highC = default, highD = default;
        Vector256<int> lowA = default, lowB = default, lowC = default, lowD = default;
        for (int k = 0; k < count; k += ResampleTable.GroupSize)
        {
            // The first half of a vector holds the group's first two pixels, the second its others.
            Vector256<int> group = Vector128.Load(weights + 2 * k).AsInt32().ToVector256Unsafe();
            Vector256<short> high = Vector256.Shuffle(group, Vector256.Create(0, 0, 0, 0, 1, 1, 1, 1)).AsInt16();
            Vector256<short> low = Vector256.Shuffle(group, Vector256.Create(2, 2, 2, 2, 3, 3, 3, 3)).AsInt16();
            Vector256<short> pairs = ChannelPairs(a + 3 * k);
            highA += PixelVectors.MultiplyAddPairs(pairs, high);
            lowA += PixelVectors.MultiplyAddPairs(pairs, low);
            pairs = ChannelPairs(b + 3 * k);
            highB += PixelVectors.MultiplyAddPairs(pairs, high);
            lowB += PixelVectors.MultiplyAddPairs(pairs, low);
            pairs = ChannelPairs(c + 3 * k);
            highC += PixelVectors.MultiplyAddPairs(pairs, high);
            lowC += PixelVectors.MultiplyAddPairs(pairs, low);
            pairs = ChannelPairs(d + 3 * k);
            highD += PixelVectors.MultiplyAddPairs(pairs, high);
            lowD += PixelVectors.MultiplyAddPairs(pairs, low);
        }

        return PixelVectors.ToBytes(Sum(highA, lowA), Sum(highB, lowB), Sum(highC, lowC), Sum(highD, lowD));

        static Vector128<int> Sum(Vector256<int> high, Vector256<int> low)
        {
            Vector256<int> both = (high << ResampleTable.LowBits) + low;
            return (both.GetLower() + both.GetUpper() + Half.GetLower()) >> ResampleTable.PrecisionBits;
        }
    }

    private static Vector256<int> Half => Vector256.Create(1 << (ResampleTable.PrecisionBits - 1));

    /// <summary>Of four RGB pixels, as 16-bit lanes: R0 R1 G0 G1 B0 B1 0 0 and R2 R3 G2 G3 B2 B3 0 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> ChannelPairs(byte* rgb)
    {
        const byte Zero = 255;
        Vector256<byte> order = Vector256.Create(
            0, Zero, 3, Zero, 1, Zero, 4, Zero, 2, Zero, 5, Zero, Zero, Zero, Zero, Zero,
            6, Zero, 9, Zero, 7, Zero, 10, Zero, 8, Zero, 11, Zero, Zero, Zero, Zero, Zero);
        Vector128<byte> four = Vector128.Load(rgb);
        return PixelVectors.PickInHalves(Vector256.Create(four, four), order).AsInt16();
    }

    private static void ResampleColumns(byte* source, int sourceStride, byte* destination, int stride, int height, ResampleTable table)
    {
        for (int y = 0; y < height; y++)
        {
            (int start, int count) = table.Window(y);
            byte* from = source + (long)start * sourceStride;
            byte* to = destination + (long)y * stride;
            fixed (short* weights = table.Weights(y))
            {
                for (int x = 0; x < stride; x += ColumnsAtOnce)
                {
                    ResampleColumns(from + x, sourceStride, count, weights, to + x);
                }
            }
        }
    }

    /// <summary>32 samples of one row; may write past its end, where the next row comes after it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ResampleColumns(byte* window, long stride, int count, short* weights, byte* destination)
    {
        Vector256<int> high0 = default, high1 = default, high2 = default, high3 = default;
        Vector256<int> low0 = default, low1 = default, low2 = default, low3 = default;
        for (int k = 0; k < count; k += 2)
        {
            // Rows k and k + 1 as pairs. Past an odd window's end the weight is 0, and any row will do.
            byte* row = window + k * stride;
            byte* next = k + 1 < count ? row + stride : row;
            int* group = (int*)weights + (k & ~3) + (k & 2) / 2;
            Vector256<short> high = Vector256.Create(group[0]).AsInt16(), low = Vector256.Create(group[2]).AsInt16();

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

        Store(high0, low0, high1, low1, destination);
        Store(high2, low2, high3, low3, destination + 16);

        static void Store(Vector256<int> highA, Vector256<int> lowA, Vector256<int> highB, Vector256<int> lowB, byte* sixteen)
        {
            Vector256<int> a = ((highA << ResampleTable.LowBits) + lowA + Half) >> ResampleTable.PrecisionBits;
            Vector256<int> b = ((highB << ResampleTable.LowBits) + lowB + Half) >> ResampleTable.PrecisionBits;
            PixelVectors.ToBytes(a.GetLower(), a.GetUpper(), b.GetLower(), b.GetUpper()).Store(sixteen);
        }
    }
}
