namespace DinoSharp.Imaging;

/// <summary>
/// Pillow's antialiased resampling: separable, horizontal pass first, 8-bit fixed-point arithmetic with rounding to 8 bits between
/// the passes.
/// </summary>
public static class Resampler
{
    private const int PrecisionBits = 32 - 8 - 2;

    /// <summary>Resamples a part of an image to the size of another, as Pillow's <c>crop(box).resize(size, filter)</c>.</summary>
    public static void Resize(PixelImage source, CropBox box, PixelImage destination, ResampleFilter filter)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        if (!box.LiesIn(source) || source.Channels != destination.Channels)
        {
            throw new ArgumentException($"{box} must lie in the source of {source.Width} x {source.Height} and the channels be the same.");
        }

        int channels = source.Channels, width = destination.Width;
        (int[] starts, int[][] weights) = Coefficients(box.Width, width, filter);
        byte[] middle = new byte[box.Height * width * channels];
        for (int y = 0; y < box.Height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                for (int c = 0; c < channels; c++)
                {
                    int sum = 1 << (PrecisionBits - 1);
                    for (int k = 0; k < weights[x].Length; k++)
                    {
                        sum += source.Pixels[((box.Top + y) * source.Width + box.Left + starts[x] + k) * channels + c] * weights[x][k];
                    }

                    middle[(y * width + x) * channels + c] = (byte)Math.Clamp(sum >> PrecisionBits, 0, 255);
                }
            }
        }

        (starts, weights) = Coefficients(box.Height, destination.Height, filter);
        int stride = width * channels;
        for (int y = 0; y < destination.Height; y++)
        {
            for (int x = 0; x < stride; x++)
            {
                int sum = 1 << (PrecisionBits - 1);
                for (int k = 0; k < weights[y].Length; k++)
                {
                    sum += middle[(starts[y] + k) * stride + x] * weights[y][k];
                }

                destination.Pixels[y * stride + x] = (byte)Math.Clamp(sum >> PrecisionBits, 0, 255);
            }
        }
    }

    private static (int[] Starts, int[][] Weights) Coefficients(int sourceSize, int size, ResampleFilter filter)
    {
        double scale = (double)sourceSize / size, stretch = Math.Max(scale, 1.0);
        double support = Support(filter) * stretch, shrink = 1.0 / stretch;
        int[] starts = new int[size];
        int[][] weights = new int[size][];
        for (int i = 0; i < size; i++)
        {
            double center = (i + 0.5) * scale;
            int first = Math.Max((int)(center - support + 0.5), 0), end = Math.Min((int)(center + support + 0.5), sourceSize);
            double[] w = new double[end - first];
            double sum = 0;
            for (int k = 0; k < w.Length; k++)
            {
                w[k] = Evaluate(filter, (k + first - center + 0.5) * shrink);
                sum += w[k];
            }

            starts[i] = first;
            weights[i] = Array.ConvertAll(w, v => (int)(v / sum * (1 << PrecisionBits) + (v < 0 ? -0.5 : 0.5)));
        }

        return (starts, weights);
    }

    private static double Support(ResampleFilter filter) => filter switch
    {
        ResampleFilter.Bilinear => 1,
        ResampleFilter.Bicubic => 2,
        ResampleFilter.Lanczos => 3,
        _ => throw new ArgumentOutOfRangeException(nameof(filter), filter, "Not a resampling filter."),
    };

    private static double Evaluate(ResampleFilter filter, double x)
    {
        x = Math.Abs(x);
        return filter switch
        {
            ResampleFilter.Bilinear => Math.Max(1 - x, 0),
            ResampleFilter.Bicubic => x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((x - 5) * x + 8) * x * -0.5 + 2 : 0,
            _ => x < 3 ? Sinc(x) * Sinc(x / 3) : 0,
        };
    }

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(x * Math.PI) / (x * Math.PI);
}
