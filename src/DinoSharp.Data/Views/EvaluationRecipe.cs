using System.Globalization;
using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>
/// The one view that evaluation takes of an image: the shorter side resized to a length, bicubically, and the middle cut out, as
/// torchvision's <c>Resize</c> and <c>CenterCrop</c> do.
/// </summary>
public sealed class EvaluationRecipe : IEvaluationRecipe
{
    /// <summary>What is resized is at most so many times as long as wide.</summary>
    private const int MaxAspect = 32;

    /// <summary>The largest size either of the two may have, in pixels.</summary>
    public const int MaxSize = 4096;

    /// <param name="resizeSize">The shorter side's length after resizing, in pixels.</param>
    /// <param name="cropSize">Side of the view in pixels, at most <paramref name="resizeSize"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is out of range, or the crop is larger than what it is cut from.</exception>
    public EvaluationRecipe(int resizeSize = 256, int cropSize = 224)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(resizeSize, MaxSize);
        ArgumentOutOfRangeException.ThrowIfLessThan(cropSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cropSize, resizeSize);
        ResizeSize = resizeSize;
        CropSize = cropSize;
    }

    /// <summary>The shorter side's length after resizing, in pixels.</summary>
    public int ResizeSize { get; }

    /// <summary>Side of the view in pixels.</summary>
    public int CropSize { get; }

    /// <inheritdoc/>
    public string Description => string.Create(CultureInfo.InvariantCulture, $"middle {CropSize} of {ResizeSize}");

    /// <summary>Makes the view of an image, with as many channels. The caller disposes it.</summary>
    /// <param name="image">The image.</param>
    public PixelImage Make(PixelImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        CropBox middle = Middle(image);
        int width = ResizedLength(middle.Width, middle.Height), height = ResizedLength(middle.Height, middle.Width);

        // Half a pixel is rounded to the even side.
        int top = (int)Math.Round((height - CropSize) / 2.0), left = (int)Math.Round((width - CropSize) / 2.0);
        PixelImage view = new(CropSize, CropSize, image.Channels);
        Resampler.ResizeAndCut(image, middle, width, height, top, left, view, ResampleFilter.Bicubic);
        return view;
    }

    /// <summary>
    /// What is resized of an image: a very long one is cut to its middle. A crop of the middle lies in there anyway; without this, an
    /// image one pixel wide and thousands high would take gigabytes.
    /// </summary>
    internal static CropBox Middle(PixelImage image)
    {
        long most = (long)MaxAspect * Math.Min(image.Width, image.Height);
        int width = (int)Math.Min(image.Width, most), height = (int)Math.Min(image.Height, most);
        return new CropBox((image.Height - height) / 2, (image.Width - width) / 2, height, width);
    }

    private int ResizedLength(int side, int other) => side <= other ? ResizeSize : (int)((long)ResizeSize * side / other);
}
