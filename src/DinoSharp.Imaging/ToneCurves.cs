namespace DinoSharp.Imaging;

/// <summary>Each channel through a curve that its own histogram gives, in place, equal to those of Pillow's <c>ImageOps</c>.</summary>
public static class ToneCurves
{
    private const int Levels = 256;

    /// <summary>Stretches each channel so that its darkest sample becomes 0 and its brightest 255.</summary>
    public static void AutoContrast(PixelImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        Span<int> histogram = stackalloc int[Levels];
        Span<byte> curve = stackalloc byte[Levels];
        for (int channel = 0; channel < image.Channels; channel++)
        {
            Count(image, channel, histogram);
            int darkest = histogram.IndexOfAnyExcept(0), brightest = histogram.LastIndexOfAnyExcept(0);
            if (brightest <= darkest)
            {
                continue; // one level has no contrast
            }

            double scale = 255.0 / (brightest - darkest), offset = -darkest * scale;
            for (int level = 0; level < Levels; level++)
            {
                curve[level] = (byte)Math.Clamp((int)(level * scale + offset), 0, 255);
            }

            Map(image, channel, curve);
        }
    }

    /// <summary>Spreads the samples of each channel over all levels, about as many on each.</summary>
    public static void Equalize(PixelImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        Span<int> histogram = stackalloc int[Levels];
        Span<byte> curve = stackalloc byte[Levels];
        int samples = image.Width * image.Height;
        for (int channel = 0; channel < image.Channels; channel++)
        {
            Count(image, channel, histogram);
            int brightest = histogram.LastIndexOfAnyExcept(0);
            int step = (samples - histogram[brightest]) / (Levels - 1);
            if (step == 0)
            {
                continue; // too few samples off the brightest level
            }

            int below = step / 2;
            for (int level = 0; level < Levels; level++)
            {
                curve[level] = (byte)Math.Min(below / step, 255);
                below += histogram[level];
            }

            Map(image, channel, curve);
        }
    }

    private static void Count(PixelImage image, int channel, Span<int> histogram)
    {
        histogram.Clear();
        ReadOnlySpan<byte> samples = image.Pixels;
        for (int i = channel; i < samples.Length; i += image.Channels)
        {
            histogram[samples[i]]++;
        }
    }

    private static void Map(PixelImage image, int channel, ReadOnlySpan<byte> curve)
    {
        Span<byte> samples = image.Pixels;
        for (int i = channel; i < samples.Length; i += image.Channels)
        {
            samples[i] = curve[samples[i]];
        }
    }
}
