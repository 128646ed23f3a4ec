using System.Globalization;
using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>
/// The whole image as a square, whatever its shape was: nothing is cut off, lengths and widths are distorted. Copy detection looks at
/// images so (arXiv 2104.14294, section 4.2.1). Of one that is more than 32 times as long as wide it is the middle.
/// </summary>
public sealed class SquashRecipe : IEvaluationRecipe
{
    /// <param name="side">Side of the view in pixels.</param>
    /// <exception cref="ArgumentOutOfRangeException">The side is out of range.</exception>
    public SquashRecipe(int side)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(side, EvaluationRecipe.MaxSize);
        CropSize = side;
    }

    /// <inheritdoc/>
    public int CropSize { get; }

    /// <inheritdoc/>
    public string Description => string.Create(CultureInfo.InvariantCulture, $"whole, squashed to {CropSize}");

    /// <inheritdoc/>
    public PixelImage Make(PixelImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        PixelImage view = new(CropSize, CropSize, image.Channels);
        Resampler.Resize(image, EvaluationRecipe.Middle(image), view, ResampleFilter.Bicubic);
        return view;
    }
}
