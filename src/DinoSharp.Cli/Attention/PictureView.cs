using DinoSharp.Imaging;

namespace DinoSharp.Cli.Attention;

/// <summary>The size at which a picture's attention is computed. Unless both sides are named its shape stays.</summary>
/// <param name="Sides">
/// nothing: sides above <see cref="UsualSide"/> are made smaller; one number: the shorter side; two: height and width, as the reference has it
/// </param>
internal sealed record PictureView(IReadOnlyList<int> Sides)
{
    /// <summary>The shorter side of larger pictures, where nothing is said: the size of the published maps.</summary>
    public const int UsualSide = 480;

    /// <summary>
    /// The area is at most that of a picture four times as long as it is high: the time grows with the area's square, and without a limit
    /// a panorama of ordinary height would take days.
    /// </summary>
    public const int MaxAspect = 4;

    /// <summary>The picture at the size. The caller disposes it.</summary>
    /// <param name="picture">RGB</param>
    /// <param name="patchSize">no side is made smaller than a patch by the limit of the area</param>
    public PixelImage Of(PixelImage picture, int patchSize)
    {
        var (width, height) = SizeFor(picture, patchSize);
        var view = new PixelImage(width, height, picture.Channels);
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

    private (int Width, int Height) SizeFor(PixelImage picture, int patchSize)
    {
        if (Sides.Count == 2)
        {
            return (Sides[1], Sides[0]);
        }

        double side = Math.Min(picture.Width, picture.Height), limit = Sides.Count == 1 ? Sides[0] : UsualSide;
        double scale = Sides.Count == 1 ? limit / side : Math.Min(1, limit / side);
        scale = Math.Min(scale, Math.Sqrt(MaxAspect * limit * limit / ((double)picture.Width * picture.Height)));
        scale = Math.Max(scale, Math.Min(1, patchSize / side));
        return (Length(picture.Width, scale), Length(picture.Height, scale));
    }

    private static int Length(int side, double scale) => Math.Max(1, (int)Math.Round(side * scale));
}
