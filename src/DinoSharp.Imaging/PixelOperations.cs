using System.Runtime.Intrinsics;

namespace DinoSharp.Imaging;

/// <summary>Operations without a strength, in place, equal to those of Pillow's <c>ImageOps</c>.</summary>
public static unsafe class PixelOperations
{
    /// <summary>Each pixel's luma in all three channels.</summary>
    /// <exception cref="ArgumentException">The image is not RGB.</exception>
    public static void Grayscale(PixelImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        image.RequireRgb();
        Vector128<byte> first = Vector128.Create((byte)0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5);
        Vector128<byte> rest = Vector128.Create((byte)5, 5, 6, 6, 6, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0);
        int length = image.Pixels.Length;
        fixed (byte* pixels = image.PixelsAndSlack)
        {
            for (int i = 0; WidePixels.IsSupported && i < length; i += WidePixels.Length)
            {
                (Vector512<int> r, Vector512<int> g, Vector512<int> b) = WidePixels.Load(pixels + i);
                Vector512<int> grey = WidePixels.LumaOf(r, g, b);
                WidePixels.Store(grey | (grey << 8) | (grey << 16), pixels + i);
            }

            for (int i = 0; !WidePixels.IsSupported && i < length; i += 24)
            {
                Vector256<int> luma = Luma.OfEight(pixels + i);
                Vector128<byte> bytes = PixelVectors.ToBytes(luma.GetLower(), luma.GetUpper(), default, default);
                Vector128.Shuffle(bytes, first).Store(pixels + i);
                *(ulong*)(pixels + i + 16) = Vector128.Shuffle(bytes, rest).AsUInt64().ToScalar();
            }
        }
    }

    /// <summary>Inverts the samples of <paramref name="threshold"/> and above.</summary>
    public static void Solarize(PixelImage image, byte threshold = 128)
    {
        ArgumentNullException.ThrowIfNull(image);
        int length = image.Pixels.Length;
        fixed (byte* pixels = image.PixelsAndSlack)
        {
            for (int i = 0; i < length; i += Vector256<byte>.Count)
            {
                Vector256<byte> samples = Vector256.Load(pixels + i);
                (samples ^ Vector256.GreaterThanOrEqual(samples, Vector256.Create(threshold))).Store(pixels + i);
            }
        }
    }

    /// <summary>Keeps the highest bits of each sample and clears the others.</summary>
    /// <param name="image">Any image.</param>
    /// <param name="bits">Bits to keep, from 0, which gives black, to 8, which gives the image itself.</param>
    public static void Posterize(PixelImage image, int bits)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        Vector256<byte> mask = Vector256.Create((byte)(0xFF00 >> bits));
        int length = image.Pixels.Length;
        fixed (byte* pixels = image.PixelsAndSlack)
        {
            for (int i = 0; i < length; i += Vector256<byte>.Count)
            {
                (Vector256.Load(pixels + i) & mask).Store(pixels + i);
            }
        }
    }

    /// <summary>Copies an image into a larger one of as many channels, where there is room for all of it.</summary>
    public static void Paste(PixelImage part, PixelImage whole, int top, int left)
    {
        ArgumentNullException.ThrowIfNull(part);
        ArgumentNullException.ThrowIfNull(whole);
        if (part.Channels != whole.Channels || !new CropBox(top, left, part.Height, part.Width).LiesIn(whole))
        {
            throw new ArgumentException(
                $"An image of {part.Width} x {part.Height} does not fit at {left}, {top} into one of {whole.Width} x {whole.Height}.",
                nameof(part));
        }

        int stride = part.Width * part.Channels;
        for (int y = 0; y < part.Height; y++)
        {
            Span<byte> line = whole.Pixels.Slice(((top + y) * whole.Width + left) * whole.Channels, stride);
            part.Pixels.Slice(y * stride, stride).CopyTo(line);
        }
    }
}
