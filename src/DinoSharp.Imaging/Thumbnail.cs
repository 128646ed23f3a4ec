namespace DinoSharp.Imaging;

/// <summary>
/// Whole images made smaller as Pillow's <c>thumbnail</c> does it (Lanczos, reducing gap 2), to the bit: what is more than twice too
/// large is first divided by a whole number, by means of boxes, and then resampled.
/// </summary>
public static class Thumbnail
{
    private const double ReducingGap = 2;

    /// <summary>An image whose longer side is at most a length, of the same shape; never larger. The caller disposes it.</summary>
    /// <param name="image">any image</param>
    /// <param name="longestSide">in pixels, at least 1</param>
    public static PixelImage Of(PixelImage image, int longestSide)
    {
        ArgumentNullException.ThrowIfNull(image);
        (int width, int height) = SizeOf(image.Width, image.Height, longestSide);
        PixelImage thumbnail = new(width, height, image.Channels);
        if ((width, height) == (image.Width, image.Height))
        {
            image.Pixels.CopyTo(thumbnail.Pixels);
            return thumbnail;
        }

        int across = Factor(image.Width, width), down = Factor(image.Height, height);
        if (across == 1 && down == 1)
        {
            Resampler.Resize(image, CropBox.Whole(image), thumbnail, ResampleFilter.Lanczos);
        }
        else
        {
            using PixelImage reduced = BoxReduction.Reduce(image, across, down);
            Resampler.Resize(reduced, (double)image.Width / across, (double)image.Height / down, thumbnail, ResampleFilter.Lanczos);
        }

        return thumbnail;
    }

    /// <summary>The size that an image of a width and height is made.</summary>
    public static (int Width, int Height) SizeOf(int width, int height, int longestSide)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(longestSide, 1);
        if (width <= longestSide && height <= longestSide)
        {
            return (width, height);
        }

        // Of the two whole numbers around the other side's exact length the one that keeps the shape better.
        double aspect = (double)width / height;
        return aspect <= 1
            ? (Rounded(longestSide * aspect, w => Math.Abs(aspect - w / longestSide)), longestSide)
            : (longestSide, Rounded(longestSide / aspect, h => h == 0 ? 0 : Math.Abs(aspect - longestSide / h)));
    }

    private static int Rounded(double length, Func<double, double> error)
    {
        double below = Math.Floor(length), above = Math.Ceiling(length);
        return Math.Max((int)(error(above) < error(below) ? above : below), 1);
    }

    private static int Factor(int from, int to) => Math.Max(1, (int)((double)from / to / ReducingGap));
}
