using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>Everything about a view that is left to chance, as drawn.</summary>
/// <param name="Box">The part of the image that it shows.</param>
/// <param name="Jitter">Null for no change of colours.</param>
/// <param name="BlurRadius">Standard deviation in pixels; null for no blur.</param>
public readonly record struct ViewParameters(
    CropBox Box, bool Flip, JitterParameters? Jitter, bool Grayscale, float? BlurRadius, bool Solarize)
{
    /// <summary>
    /// Makes the view: crop, resize, flip, jitter, grey, blur, solarize, in this order. Of an image that is not RGB, saturation, hue and
    /// grey are left out, for it has none; torchvision, too, leaves grey images as they are there.
    /// </summary>
    /// <param name="source">The image.</param>
    /// <param name="view">Receives the view, in its own size; as many channels as the image.</param>
    public void Apply(PixelImage source, PixelImage view)
    {
        ArgumentNullException.ThrowIfNull(source);
        Resampler.Resize(source, Box, view, ResampleFilter.Bicubic, mirror: Flip);
        Jitter?.Apply(view);
        if (Grayscale && source.Channels == 3)
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
