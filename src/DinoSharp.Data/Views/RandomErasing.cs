using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>
/// Random erasing (arXiv 1708.04896) as DeiT has it: a rectangle gets a normal noise of the images' own mean and deviation, another for
/// each pixel and channel.
/// </summary>
public static class RandomErasing
{
    private const int Tries = 10;

    private static readonly Interval Area = new(0.02, 1.0 / 3);
    private static readonly Interval Ratio = new(0.3, 1 / 0.3);

    /// <summary>Erases one rectangle; none if ten tries do not fit into the image.</summary>
    public static void Apply(PixelImage image, ref SampleRandom random)
    {
        ArgumentNullException.ThrowIfNull(image);
        var normalization = PixelNormalization.For(image.Channels);
        double area = (double)image.Width * image.Height, lowLog = Math.Log(Ratio.Low), highLog = Math.Log(Ratio.High);
        for (int i = 0; i < Tries; i++)
        {
            double target = area * Area.Draw(ref random), aspect = Math.Exp(random.Uniform(lowLog, highLog));
            int width = (int)Math.Round(Math.Sqrt(target * aspect)), height = (int)Math.Round(Math.Sqrt(target / aspect));
            if (width >= 1 && width < image.Width && height >= 1 && height < image.Height)
            {
                int top = random.NextInt(image.Height - height + 1), left = random.NextInt(image.Width - width + 1);
                Fill(image, new CropBox(top, left, height, width), normalization, ref random);
                return;
            }
        }
    }

    private static void Fill(PixelImage image, CropBox box, PixelNormalization normalization, ref SampleRandom random)
    {
        int channels = image.Channels;
        for (int y = box.Top; y < box.Top + box.Height; y++)
        {
            var row = image.Pixels.Slice((y * image.Width + box.Left) * channels, box.Width * channels);
            for (int i = 0; i < row.Length; i++)
            {
                double value = normalization.Mean[i % channels] + normalization.Std[i % channels] * random.Normal();
                row[i] = (byte)Math.Clamp(Math.Round(255 * value), 0, 255);
            }
        }
    }
}
