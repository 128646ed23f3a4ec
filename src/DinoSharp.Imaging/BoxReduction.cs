namespace DinoSharp.Imaging;

/// <summary>
/// Pillow's <c>Image.reduce</c>, to the bit: each pixel is the mean of a box of pixels; boxes that the right or lower edge cuts through
/// are of what is there.
/// </summary>
internal static class BoxReduction
{
    /// <summary>Divides the sides of an image by whole numbers, rounding up. The caller disposes the result.</summary>
    /// <param name="image">any image</param>
    /// <param name="across">a box's width</param>
    /// <param name="down">a box's height; a box has at most 2^24 pixels</param>
    public static PixelImage Reduce(PixelImage image, int across, int down)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)across * down, 1 << 24, nameof(across));
        PixelImage reduced = new((image.Width - 1) / across + 1, (image.Height - 1) / down + 1, image.Channels);
        int channels = image.Channels, stride = image.Width * channels;
        using PooledBytes sumBytes = new(checked(reduced.Width * channels * sizeof(uint)));
        Span<uint> sums = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, uint>(sumBytes.Span)[..(reduced.Width * channels)];
        ReadOnlySpan<byte> from = image.Pixels;
        for (int y = 0; y < reduced.Height; y++)
        {
            sums.Clear();
            int rows = Math.Min(down, image.Height - y * down);
            for (int row = y * down; row < y * down + rows; row++)
            {
                AddUp(from.Slice(row * stride, stride), sums, across, channels);
            }

            Divide(sums, reduced.Pixels.Slice(y * sums.Length, sums.Length), image.Width, across, rows, channels);
        }

        return reduced;
    }

    private static void AddUp(ReadOnlySpan<byte> row, Span<uint> sums, int across, int channels)
    {
        int box = across * channels;
        for (int start = 0, sum = 0; start < row.Length; start += box, sum += channels)
        {
            ReadOnlySpan<byte> pixels = row[start..Math.Min(start + box, row.Length)];
            for (int i = 0, c = 0; i < pixels.Length; i++, c = c == channels - 1 ? 0 : c + 1)
            {
                sums[sum + c] += pixels[i];
            }
        }
    }

    private static void Divide(ReadOnlySpan<uint> sums, Span<byte> means, int width, int across, int rows, int channels)
    {
        int whole = width / across * channels;
        Divide(sums[..whole], means[..whole], across * rows);
        if (whole < sums.Length)
        {
            Divide(sums[whole..], means[whole..], width % across * rows);
        }
    }

    /// <summary>Rounded division as Pillow has it, by multiplication with 2^24 over the number, in single precision and cut to an integer.</summary>
    private static void Divide(ReadOnlySpan<uint> sums, Span<byte> means, int count)
    {
        uint multiplier = (uint)(4294967296f / (256L * count)), half = (uint)count / 2;
        for (int i = 0; i < sums.Length; i++)
        {
            means[i] = (byte)((sums[i] + half) * multiplier >> 24);
        }
    }
}
