using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>Everything about a view that is left to chance, as drawn.</summary>
/// <param name="Box">The part of the image that it shows.</param>
/// <param name="Jitter">Null for no change of colours.</param>
/// <param name="BlurRadius">Standard deviation in pixels; null for no blur.</param>
public readonly record struct ViewParameters(
    CropBox Box, bool Flip, JitterParameters? Jitter, bool Grayscale, float? BlurRadius, bool Solarize)
{
    /// <summary>Makes the view: crop, resize, flip, jitter, grey, blur, solarize, in this order.</summary>
    /// <param name="source">The image, RGB.</param>
    /// <param name="view">Receives the view, in its own size.</param>
    public void Apply(PixelImage source, PixelImage view)
    {
        Resampler.Resize(source, Box, view, ResampleFilter.Bicubic);
        if (Flip)
        {
            PixelOperations.FlipHorizontal(view);
        }

        Jitter?.Apply(view);
        if (Grayscale)
        {
            PixelOperations.Grayscale(view);
        }

        if (BlurRadius is { } radius)
        {
            GaussianBlur.Apply(view, radius);
        }

        if (Solarize)
        {
            PixelOperations.Solarize(view);
        }
    }
}
