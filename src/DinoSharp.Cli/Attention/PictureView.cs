using DinoSharp.Imaging;

namespace DinoSharp.Cli.Attention;

/// <summary>The size at which a picture's attention is computed; its shape stays.</summary>
internal static class PictureView
{
    /// <summary>The shorter side of larger pictures, where nothing is said: the size of the published maps.</summary>
    public const int UsualSide = 480;

    /// <summary>
    /// The area is at most that of a picture four times as long as it is high: the time grows with the area's square, and without a limit
    /// a panorama of ordinary height would take days.
    /// </summary>
    public const int MaxAspect = 4;

    /// <summary>The picture at its own size or at what is asked for. The caller disposes it.</summary>
    /// <param name="picture">RGB</param>
    /// <param name="patchSize">no side is made smaller than a patch by the limit of the area</param>
    /// <param name="shorterSide">what the shorter side is made; null only makes sides above <see cref="UsualSide"/> smaller</param>
    public static PixelImage Of(PixelImage picture, int patchSize, int? shorterSide)
    {
        double side = Math.Min(picture.Width, picture.Height), limit = shorterSide ?? UsualSide;
        double scale = shorterSide is null ? Math.Min(1, limit / side) : limit / side;
        scale = Math.Min(scale, Math.Sqrt(MaxAspect * limit * limit / ((double)picture.Width * picture.Height)));
        scale = Math.Max(scale, Math.Min(1, patchSize / side));
        var view = new PixelImage(Length(picture.Width, scale), Length(picture.Height, scale), picture.Channels);
        if ((view.Width, view.Height) == (picture.Width, picture.Height))
        {
            picture.Pixels.CopyTo(view.Pixels);
        }
        else
        {
            Resampler.Resize(picture, CropBox.Whole(picture), view, ResampleFilter.Bicubic);
        }

        return view;
    }

    private static int Length(int side, double scale) => Math.Max(1, (int)Math.Round(side * scale));
}
