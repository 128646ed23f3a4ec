namespace DinoSharp.Imaging;

/// <summary>
/// Pillow's Gaussian blur: three extended box blurs along each axis, horizontal first, each rounded to 8 bits.
/// </summary>
public static unsafe class GaussianBlur
{
    /// <summary>The largest radius: up to here the box's sums stay within 16 bits.</summary>
    public const float MaxRadius = 128;

    private const int Passes = 3;

    /// <summary>Blurs in place. Samples outside of the image are those of its edge.</summary>
    /// <param name="image">Any image.</param>
    /// <param name="radius">The Gaussian's standard deviation in pixels, from 0 to <see cref="MaxRadius"/>.</param>
    public static void Apply(PixelImage image, float radius)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (!(radius >= 0 && radius <= MaxRadius))
        {
            throw new ArgumentOutOfRangeException(nameof(radius), radius, $"A blur's radius lies between 0 and {MaxRadius}.");
        }

        ExtendedBox box = ExtendedBox.ForGaussian(radius, Passes);
        using PooledBytes second = new(image.Pixels.Length + PixelImage.Slack);
        fixed (byte* pixels = image.PixelsAndSlack, scratch = second.Span)
        {
            BlurRows(pixels, scratch, image, box);
            BlurColumns(scratch, pixels, image, box);
            BlurColumns(pixels, scratch, image, box);
            BlurColumns(scratch, pixels, image, box);
        }
    }

    /// <summary>All horizontal passes, row by row, in a line that has the edge pixel repeated on both sides.</summary>
    private static void BlurRows(byte* source, byte* destination, PixelImage image, ExtendedBox box)
    {
        int channels = image.Channels, stride = image.Width * channels, margin = (box.Radius + 1) * channels;
        int lineLength = margin + stride + margin + PixelImage.Slack;
        byte** taps = stackalloc byte*[box.TapCount];
        using PooledBytes lines = new(2 * lineLength);
        fixed (byte* start = lines.Span)
        {
            for (int y = 0; y < image.Height; y++)
            {
                byte* line = start + margin;
                new ReadOnlySpan<byte>(source + (long)y * stride, stride).CopyTo(new Span<byte>(line, stride));
                for (int pass = 1; pass <= Passes; pass++)
                {
                    RepeatEdges(line, stride, margin, channels);
                    for (int t = 0; t < box.TapCount; t++)
                    {
                        taps[t] = line + (t - box.Radius - 1) * channels;
                    }

                    line = pass % 2 == 0 ? start + margin : start + lineLength + margin;
                    box.Filter(taps, pass == Passes ? destination + (long)y * stride : line, stride);
                }
            }
        }
    }

    private static void RepeatEdges(byte* line, int stride, int margin, int channels)
    {
        // Beyond a pixel this reads what it has written.
        for (int i = 0; i < margin; i++)
        {
            line[-1 - i] = line[channels - 1 - i];
            line[stride + i] = line[stride - channels + i];
        }
    }

    /// <summary>One vertical pass.</summary>
    private static void BlurColumns(byte* source, byte* destination, PixelImage image, ExtendedBox box)
    {
        int stride = image.Width * image.Channels;
        byte** taps = stackalloc byte*[box.TapCount];
        for (int y = 0; y < image.Height; y++)
        {
            for (int t = 0; t < box.TapCount; t++)
            {
                taps[t] = source + (long)Math.Clamp(y + t - box.Radius - 1, 0, image.Height - 1) * stride;
            }

            box.Filter(taps, destination + (long)y * stride, stride);
        }
    }
}
