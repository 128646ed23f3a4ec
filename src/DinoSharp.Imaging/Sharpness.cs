using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DinoSharp.Imaging;

/// <summary>Blurs or sharpens by a factor, equal to Pillow's <c>ImageEnhance.Sharpness</c>.</summary>
public static unsafe class Sharpness
{
    private const int Center = 5;
    private const float Weights = 13;

    /// <summary>
    /// Scales each sample's distance from a smoothed one by <paramref name="factor"/>: 0 gives the smoothed image, 1 the image itself, more
    /// a sharper one. Smoothed is the mean of 3 x 3 pixels whose middle counts five times; pixels at the edge stay as they are.
    /// </summary>
    /// <param name="image">Any image.</param>
    /// <param name="factor">0 or more.</param>
    public static void Apply(PixelImage image, float factor)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (!(factor >= 0 && factor <= float.MaxValue))
        {
            throw new ArgumentOutOfRangeException(nameof(factor), factor, "A factor is a finite number, 0 or more.");
        }

        if (image.Width < 3 || image.Height < 3)
        {
            return;
        }

        int channels = image.Channels, stride = image.Width * channels;
        using PooledBytes copy = new(image.Pixels.Length + PixelImage.Slack);
        image.Pixels.CopyTo(copy.Span);
        Vector256<float> factors = Vector256.Create(factor);
        fixed (byte* start = copy.Span, result = image.PixelsAndSlack)
        {
            for (int y = 1; y < image.Height - 1; y++)
            {
                byte* row = start + (long)y * stride, to = result + (long)y * stride;
                for (int i = channels; i < stride - channels; i += 16)
                {
                    Vector256<int> a = OfEight(row + i, stride, channels, factors), b = OfEight(row + i + 8, stride, channels, factors);
                    PixelVectors.ToBytes(a.GetLower(), a.GetUpper(), b.GetLower(), b.GetUpper()).Store(to + i);
                }

                // The last vector went beyond, and so did that of the row before.
                Unsafe.CopyBlockUnaligned(to, row, (uint)channels);
                Unsafe.CopyBlockUnaligned(to + stride - channels, row + stride - channels, (uint)channels);
            }
        }

        copy.Span.Slice(image.Pixels.Length - stride, stride).CopyTo(image.Pixels[^stride..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> OfEight(byte* samples, int stride, int channels, Vector256<float> factors)
    {
        Vector256<int> sample = PixelVectors.LoadToInt32(samples);
        Vector256<int> around = Three(samples - stride, channels) + Three(samples + stride, channels)
            + PixelVectors.LoadToInt32(samples - channels) + PixelVectors.LoadToInt32(samples + channels);

        // No sum lies halfway between two levels, or nearer to it than single precision tells.
        Vector256<float> sum = Vector256.ConvertToSingle(around + Center * sample) + Vector256.Create(Weights / 2);
        Vector256<int> smooth = Vector256.ConvertToInt32Native(sum * (1 / Weights));
        Vector256<float> blend = Vector256.ConvertToSingle(smooth) + factors * Vector256.ConvertToSingle(sample - smooth);
        return Vector256.ConvertToInt32Native(Vector256.ClampNative(blend, Vector256<float>.Zero, Vector256.Create(255f)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Three(byte* samples, int channels) =>
        PixelVectors.LoadToInt32(samples - channels) + PixelVectors.LoadToInt32(samples) + PixelVectors.LoadToInt32(samples + channels);
}
