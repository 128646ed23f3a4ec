namespace DinoSharp.Imaging;

/// <summary>
/// Pillow's antialiased resampling, to the bit: separable, horizontal pass first, in fixed point with rounding to 8 bits after each pass.
/// </summary>
public static unsafe class Resampler
{
    /// <summary>Resamples a part of an image to the size of another, as Pillow's <c>crop(box).resize(size, filter)</c>.</summary>
    /// <param name="source">An RGB image.</param>
    /// <param name="box">The part; pixels outside of it play no role.</param>
    /// <param name="destination">An RGB image, not the source, all of which is overwritten.</param>
    /// <param name="filter">The kernel.</param>
    /// <exception cref="ArgumentException">The box does not lie in the source, or an image is not RGB.</exception>
    public static void Resize(PixelImage source, CropBox box, PixelImage destination, ResampleFilter filter)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        source.RequireRgb();
        destination.RequireRgb();
        if (!box.LiesIn(source))
        {
            throw new ArgumentException($"{box} does not lie in an image of width {source.Width} and height {source.Height}.", nameof(box));
        }

        // A row of the middle image has room for the last vector of either pass.
        int stride = (destination.Width * 3 + VerticalPass.ColumnsAtOnce) & ~(VerticalPass.ColumnsAtOnce - 1);
        using PooledBytes middle = new(checked(box.Height * stride));
        using ResampleTable across = new(box.Width, destination.Width, filter), down = new(box.Height, destination.Height, filter);
        fixed (byte* from = source.PixelsAndSlack, between = middle.Span, to = destination.PixelsAndSlack)
        {
            byte* corner = from + ((long)box.Top * source.Width + box.Left) * 3;
            HorizontalPass.Run(corner, source.Width * 3, box.Height, between, stride, destination.Width, across);
            VerticalPass.Run(between, stride, to, destination.Width * 3, destination.Height, down);
        }
    }
}
