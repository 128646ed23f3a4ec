namespace DinoSharp.Imaging;

/// <summary>
/// Pillow's Gaussian blur: three extended box blurs along each axis, horizontal first, with rounding to 8 bits after each
/// (Gwosdek et al., "Theoretical foundations of Gaussian convolution by extended box filtering", 2011).
/// </summary>
public static class GaussianBlur
{
    private const int Passes = 3;

    /// <summary>Blurs in place. Samples outside of the image are those of its edge.</summary>
    /// <param name="image">Any image.</param>
    /// <param name="radius">The Gaussian's standard deviation in pixels, 0 or more.</param>
    public static void Apply(PixelImage image, float radius)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfNotEqual(float.IsFinite(radius) && radius >= 0, true, nameof(radius));
        ExtendedBox box = ExtendedBox.ForGaussian(radius, Passes);
        int stride = image.Width * image.Channels;
        byte[] line = new byte[Math.Max(image.Width, image.Height)];
        for (int pass = 0; pass < Passes; pass++)
        {
            for (int y = 0; y < image.Height; y++)
            {
                for (int c = 0; c < image.Channels; c++)
                {
                    BlurLine(image.Pixels, y * stride + c, image.Channels, image.Width, line, box);
                }
            }
        }

        for (int pass = 0; pass < Passes; pass++)
        {
            for (int x = 0; x < stride; x++)
            {
                BlurLine(image.Pixels, x, stride, image.Height, line, box);
            }
        }
    }

    private static void BlurLine(Span<byte> pixels, int start, int step, int count, byte[] line, ExtendedBox box)
    {
        for (int i = 0; i < count; i++)
        {
            line[i] = pixels[start + i * step];
        }

        for (int i = 0; i < count; i++)
        {
            uint sum = 0;
            for (int d = -box.Radius; d <= box.Radius; d++)
            {
                sum += line[Math.Clamp(i + d, 0, count - 1)];
            }

            uint ends = (uint)line[Math.Max(i - box.Radius - 1, 0)] + line[Math.Min(i + box.Radius + 1, count - 1)];
            pixels[start + i * step] = (byte)((sum * box.Weight + ends * box.EndWeight + (1 << 23)) >> 24);
        }
    }
}
