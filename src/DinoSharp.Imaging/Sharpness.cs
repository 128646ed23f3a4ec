namespace DinoSharp.Imaging;

/// <summary>Blurs or sharpens by a factor, equal to Pillow's <c>ImageEnhance.Sharpness</c>.</summary>
public static class Sharpness
{
    private const int Center = 5;
    private const int Weights = 13;

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

        int channels = image.Channels, stride = image.Width * channels;
        if (image.Width < 3 || image.Height < 3)
        {
            return;
        }

        using PooledBytes copy = new(image.Pixels.Length);
        image.Pixels.CopyTo(copy.Span);
        for (int y = 1; y < image.Height - 1; y++)
        {
            ReadOnlySpan<byte> above = copy.Span.Slice((y - 1) * stride, stride), below = copy.Span.Slice((y + 1) * stride, stride);
            ReadOnlySpan<byte> row = copy.Span.Slice(y * stride, stride);
            Span<byte> result = image.Pixels.Slice(y * stride, stride);
            for (int left = 0, i = channels, right = 2 * channels; right < stride; left++, i++, right++)
            {
                int sum = above[left] + above[i] + above[right] + row[left] + Center * row[i] + row[right] + below[left] + below[i] + below[right];
                int smooth = (2 * sum + Weights) / (2 * Weights); // no sum lies halfway between two levels
                result[i] = (byte)Math.Clamp(smooth + factor * (row[i] - smooth), 0, 255);
            }
        }
    }
}
