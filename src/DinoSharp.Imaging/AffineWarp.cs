namespace DinoSharp.Imaging;

/// <summary>
/// Moves, shears and turns an image within its frame, in place, equal to Pillow's affine transform by nearest neighbour. What comes from
/// outside of the image gets one level in all channels.
/// </summary>
public static class AffineWarp
{
    /// <summary>A middle grey, as usual for what an augmentation leaves empty.</summary>
    public const byte Gray = 128;

    /// <summary>Positions are in 1/65536 of a pixel.</summary>
    private const int FractionBits = 16;

    /// <summary>Row y shows what was <paramref name="shear"/> y pixels to the right.</summary>
    public static void ShearX(PixelImage image, double shear, byte fill = Gray) => Apply(image, new(1, shear, 0, 0, 1, 0), fill);

    /// <summary>Column x shows what was <paramref name="shear"/> x pixels below.</summary>
    public static void ShearY(PixelImage image, double shear, byte fill = Gray) => Apply(image, new(1, 0, 0, shear, 1, 0), fill);

    /// <summary>Shows what was so many pixels to the right.</summary>
    public static void TranslateX(PixelImage image, int pixels, byte fill = Gray) => Apply(image, new(1, 0, pixels, 0, 1, 0), fill);

    /// <summary>Shows what was so many pixels below.</summary>
    public static void TranslateY(PixelImage image, int pixels, byte fill = Gray) => Apply(image, new(1, 0, 0, 0, 1, pixels), fill);

    /// <summary>Turns an image about its middle, counter-clockwise.</summary>
    public static void Rotate(PixelImage image, double degrees, byte fill = Gray)
    {
        ArgumentNullException.ThrowIfNull(image);
        double angle = -double.DegreesToRadians(degrees), middleX = image.Width / 2.0, middleY = image.Height / 2.0;
        // Rounded so that a quarter of a turn has no trace of a cosine.
        double cos = Math.Round(Math.Cos(angle), 15), sin = Math.Round(Math.Sin(angle), 15);
        Apply(
            image,
            new(cos, sin, cos * -middleX + sin * -middleY + middleX, -sin, cos, -sin * -middleX + cos * -middleY + middleY),
            fill);
    }

    private static void Apply(PixelImage image, Matrix matrix, byte fill)
    {
        ArgumentNullException.ThrowIfNull(image);
        int width = image.Width, height = image.Height, channels = image.Channels;
        using PooledBytes copy = new(image.Pixels.Length);
        image.Pixels.CopyTo(copy.Span);
        ReadOnlySpan<byte> from = copy.Span;
        Span<byte> to = image.Pixels;
        to.Fill(fill);
        long stepX = Fixed(matrix.A), stepY = Fixed(matrix.D), rowX = Fixed(matrix.B), rowY = Fixed(matrix.E);
        long startX = Fixed(matrix.C + matrix.A * 0.5 + matrix.B * 0.5), startY = Fixed(matrix.F + matrix.D * 0.5 + matrix.E * 0.5);
        for (int row = 0, i = 0; row < height; row++, startX += rowX, startY += rowY)
        {
            long x = startX, y = startY;
            for (int column = 0; column < width; column++, i += channels, x += stepX, y += stepY)
            {
                long sourceX = x >> FractionBits, sourceY = y >> FractionBits;
                if ((ulong)sourceX < (ulong)width && (ulong)sourceY < (ulong)height)
                {
                    int source = ((int)sourceY * width + (int)sourceX) * channels;
                    for (int c = 0; c < channels; c++)
                    {
                        to[i + c] = from[source + c];
                    }
                }
            }
        }
    }

    private static long Fixed(double value) => (long)Math.Floor(value * (1 << FractionBits) + 0.5);

    /// <summary>Where a pixel (x, y) comes from: (A x + B y + C, D x + E y + F).</summary>
    private readonly record struct Matrix(double A, double B, double C, double D, double E, double F);
}
