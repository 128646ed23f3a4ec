namespace DinoSharp.Imaging.Tests.ScalarTwins;

/// <summary>Resampling sample by sample, from Pillow's definition.</summary>
internal static class ResampleTwin
{
    private const int PrecisionBits = 22;

    public static PixelImage Resize(PixelImage source, CropBox box, int width, int height, ResampleFilter filter)
    {
        PixelImage middle = new(width, box.Height, source.Channels);
        (int First, int[] Weights)[] across = Windows(box.Width, width, filter);
        for (int y = 0; y < box.Height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                for (int c = 0; c < source.Channels; c++)
                {
                    int row = y + box.Top, first = across[x].First + box.Left, channel = c;
                    At(middle, y, x, c) = Sum(across[x].Weights, k => At(source, row, first + k, channel));
                }
            }
        }

        PixelImage result = new(width, height, source.Channels);
        (int First, int[] Weights)[] down = Windows(box.Height, height, filter);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                for (int c = 0; c < source.Channels; c++)
                {
                    int first = down[y].First, column = x, channel = c;
                    At(result, y, x, c) = Sum(down[y].Weights, k => At(middle, first + k, column, channel));
                }
            }
        }

        middle.Dispose();
        return result;
    }

    public static PixelImage Mirror(PixelImage image)
    {
        PixelImage mirrored = new(image.Width, image.Height, image.Channels);
        for (int y = 0; y < image.Height; y++)
        {
            for (int x = 0; x < image.Width; x++)
            {
                for (int c = 0; c < image.Channels; c++)
                {
                    At(mirrored, y, x, c) = At(image, y, image.Width - 1 - x, c);
                }
            }
        }

        return mirrored;
    }

    public static PixelImage Cut(PixelImage image, CropBox box)
    {
        PixelImage part = new(box.Width, box.Height, image.Channels);
        for (int y = 0; y < box.Height; y++)
        {
            int from = ((box.Top + y) * image.Width + box.Left) * image.Channels, length = box.Width * image.Channels;
            image.Pixels.Slice(from, length).CopyTo(part.Pixels[(y * length)..]);
        }

        return part;
    }

    private static ref byte At(PixelImage image, int y, int x, int c) => ref image.Pixels[(y * image.Width + x) * image.Channels + c];

    private static byte Sum(int[] weights, Func<int, byte> sample)
    {
        int sum = 1 << (PrecisionBits - 1);
        for (int k = 0; k < weights.Length; k++)
        {
            sum += weights[k] * sample(k);
        }

        return (byte)Math.Clamp(sum >> PrecisionBits, 0, 255);
    }

    private static (int First, int[] Weights)[] Windows(int sourceSize, int size, ResampleFilter filter)
    {
        (int First, int[] Weights)[] windows = new (int, int[])[size];
        double scale = (double)sourceSize / size, stretch = Math.Max(scale, 1.0), step = 1.0 / stretch;
        double support = (filter == ResampleFilter.Bilinear ? 1 : filter == ResampleFilter.Bicubic ? 2 : 3) * stretch;
        for (int i = 0; i < size; i++)
        {
            double centre = (i + 0.5) * scale;
            int first = Math.Max((int)(centre - support + 0.5), 0), end = Math.Min((int)(centre + support + 0.5), sourceSize);
            double[] values = [.. Enumerable.Range(first, end - first).Select(at => Kernel((at - centre + 0.5) * step, filter))];
            double sum = 0;
            foreach (double value in values)
            {
                sum += value;
            }

            windows[i] = (first, [.. values.Select(value => Round(value / sum * (1 << PrecisionBits)))]);
        }

        return windows;
    }

    private static int Round(double weight) => (int)(weight < 0 ? weight - 0.5 : weight + 0.5);

    private static double Kernel(double x, ResampleFilter filter)
    {
        const double A = -0.5;
        x = Math.Abs(x);
        return filter switch
        {
            ResampleFilter.Bilinear => x < 1 ? 1 - x : 0,
            ResampleFilter.Bicubic when x < 1 => ((A + 2) * x - (A + 3)) * x * x + 1,
            ResampleFilter.Bicubic => x < 2 ? (((x - 5) * x + 8) * x - 4) * A : 0,
            _ => x < 3 ? Sinc(x) * Sinc(x / 3) : 0,
        };
    }

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(x * Math.PI) / (x * Math.PI);
}
