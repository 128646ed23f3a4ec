using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>Draws the part of an image that a crop shows, as torchvision's <c>RandomResizedCrop</c> does.</summary>
public static class RandomResizedCrop
{
    private const int Tries = 10;

    /// <summary>
    /// The area is uniform, the ratio of the sides uniform in its logarithm, and the place uniform. Should none of ten tries fit into the
    /// image, the crop is the largest one in the middle whose ratio is allowed.
    /// </summary>
    /// <param name="random">Where the numbers come from.</param>
    /// <param name="width">The image's width in pixels.</param>
    /// <param name="height">The image's height in pixels.</param>
    /// <param name="scale">The crop's part of the image's area.</param>
    /// <param name="ratio">The crop's width over its height.</param>
    public static CropBox Draw(ref SampleRandom random, int width, int height, Interval scale, Interval ratio)
    {
        double area = (double)width * height, lowLog = Math.Log(ratio.Low), highLog = Math.Log(ratio.High);
        for (int i = 0; i < Tries; i++)
        {
            double target = area * scale.Draw(ref random), aspect = Math.Exp(random.Uniform(lowLog, highLog));
            double cropWidth = Math.Round(Math.Sqrt(target * aspect)), cropHeight = Math.Round(Math.Sqrt(target / aspect));
            if (cropWidth > 0 && cropWidth <= width && cropHeight > 0 && cropHeight <= height)
            {
                int top = random.NextInt(height - (int)cropHeight + 1), left = random.NextInt(width - (int)cropWidth + 1);
                return new CropBox(top, left, (int)cropHeight, (int)cropWidth);
            }
        }

        return Central(width, height, ratio);
    }

    private static CropBox Central(int width, int height, Interval ratio)
    {
        double aspect = (double)width / height;
        int cropWidth = aspect > ratio.High ? Math.Max(1, (int)Math.Round(height * ratio.High)) : width;
        int cropHeight = aspect < ratio.Low ? Math.Max(1, (int)Math.Round(width / ratio.Low)) : height;
        return new CropBox((height - cropHeight) / 2, (width - cropWidth) / 2, cropHeight, cropWidth);
    }
}
