using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>
/// The one view that evaluation takes of an image: the shorter side resized to a length, bicubically, and the middle cut out, as
/// torchvision's <c>Resize</c> and <c>CenterCrop</c> do.
/// </summary>
public sealed record EvaluationRecipe
{
    /// <summary>
    /// A longer image is cut to its middle before it is resized. The crop lies in there anyway; without this, an image one pixel wide
    /// and thousands high would take gigabytes.
    /// </summary>
    private const int MaxAspect = 32;

    private readonly int _resizeSize = 256;
    private readonly int _cropSize = 224;

    /// <summary>The shorter side's length after resizing, in pixels; at least <see cref="CropSize"/> when used.</summary>
    public int ResizeSize
    {
        get => _resizeSize;
        init => _resizeSize = CheckSize(value);
    }

    /// <summary>Side of the view in pixels.</summary>
    public int CropSize
    {
        get => _cropSize;
        init => _cropSize = CheckSize(value);
    }

    /// <summary>The recipe for views of a given size, of which as many pixels are cut off as of the usual 256 by 256 for 224 by 224.</summary>
    public static EvaluationRecipe ForCrop(int size) => new() { ResizeSize = size * 8 / 7, CropSize = size };

    /// <summary>Makes the view of an image. The caller disposes it.</summary>
    /// <param name="image">The image, RGB.</param>
    /// <exception cref="InvalidOperationException"><see cref="CropSize"/> exceeds <see cref="ResizeSize"/>.</exception>
    public PixelImage Make(PixelImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (CropSize > ResizeSize)
        {
            throw new InvalidOperationException($"A crop of {CropSize} pixels cannot be cut from an image resized to {ResizeSize}.");
        }

        CropBox middle = Middle(image);
        using PixelImage resized = new(ResizedLength(middle.Width, middle.Height), ResizedLength(middle.Height, middle.Width));
        Resampler.Resize(image, middle, resized, ResampleFilter.Bicubic);

        // Half a pixel is rounded to the even side.
        int top = (int)Math.Round((resized.Height - CropSize) / 2.0), left = (int)Math.Round((resized.Width - CropSize) / 2.0);
        PixelImage view = new(CropSize, CropSize);
        int stride = CropSize * view.Channels;
        for (int y = 0; y < CropSize; y++)
        {
            int from = ((top + y) * resized.Width + left) * resized.Channels;
            resized.Pixels.Slice(from, stride).CopyTo(view.Pixels.Slice(y * stride, stride));
        }

        return view;
    }

    private static CropBox Middle(PixelImage image)
    {
        long most = (long)MaxAspect * Math.Min(image.Width, image.Height);
        int width = (int)Math.Min(image.Width, most), height = (int)Math.Min(image.Height, most);
        return new CropBox((image.Height - height) / 2, (image.Width - width) / 2, height, width);
    }

    private int ResizedLength(int side, int other) => side <= other ? ResizeSize : (int)((long)ResizeSize * side / other);

    private static int CheckSize(int value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 4096);
        return value;
    }
}
