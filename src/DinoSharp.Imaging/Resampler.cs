namespace DinoSharp.Imaging;

/// <summary>
/// Pillow's antialiased resampling, to the bit: separable, horizontal pass first, in fixed point with rounding to 8 bits after each pass.
/// </summary>
public static unsafe class Resampler
{
    /// <summary>Resamples a part of an image to the size of another, as Pillow's <c>crop(box).resize(size, filter)</c>.</summary>
    /// <param name="source">An image.</param>
    /// <param name="box">The part; pixels outside of it play no role.</param>
    /// <param name="destination">An image of as many channels, not the source, all of which is overwritten.</param>
    /// <param name="filter">The kernel.</param>
    /// <param name="mirror">Whether left and right change places afterwards, which costs nothing here.</param>
    /// <exception cref="ArgumentException">The box does not lie in the source, or the channels differ.</exception>
    public static void Resize(PixelImage source, CropBox box, PixelImage destination, ResampleFilter filter, bool mirror = false)
    {
        Check(source, box, destination);
        using ResampleTables tables = ResampleTables.Rent();
        ResampleTable across = tables.Across(box.Width, box.Width, destination.Width, filter);
        ResampleTable down = tables.Down(box.Height, box.Height, destination.Height, filter);
        Resample(source, box, CropBox.Whole(destination), across, down, destination, mirror);
    }

    /// <summary>Resamples an image's upper left part, which may end within pixels, as Pillow's <c>resize(size, filter, box)</c>.</summary>
    /// <param name="source">An image.</param>
    /// <param name="width">Columns of the part, at most the source's and above them less one.</param>
    /// <param name="height">Rows of the part, likewise.</param>
    /// <param name="destination">An image of as many channels, not the source, all of which is overwritten.</param>
    /// <param name="filter">The kernel.</param>
    internal static void Resize(PixelImage source, double width, double height, PixelImage destination, ResampleFilter filter)
    {
        CropBox whole = CropBox.Whole(source);
        Check(source, whole, destination);
        using ResampleTables tables = ResampleTables.Rent();
        ResampleTable across = tables.Across(source.Width, width, destination.Width, filter);
        ResampleTable down = tables.Down(source.Height, height, destination.Height, filter);
        Resample(source, whole, CropBox.Whole(destination), across, down, destination, mirror: false);
    }

    /// <summary>
    /// Resamples a part of an image and cuts from the result, as Pillow's <c>crop(box).resize(size, filter).crop(window)</c>; only what
    /// the window shows is computed.
    /// </summary>
    /// <param name="source">An image.</param>
    /// <param name="box">The part; pixels outside of it play no role.</param>
    /// <param name="width">Width that all of the part is resampled to.</param>
    /// <param name="height">Height that all of the part is resampled to.</param>
    /// <param name="top">First row of the window.</param>
    /// <param name="left">First column of the window.</param>
    /// <param name="window">An image of as many channels and of the window's size, not the source, all of which is overwritten.</param>
    /// <param name="filter">The kernel.</param>
    /// <exception cref="ArgumentException">A box does not lie where it should, or the channels differ.</exception>
    public static void ResizeAndCut(
        PixelImage source, CropBox box, int width, int height, int top, int left, PixelImage window, ResampleFilter filter)
    {
        Check(source, box, window);
        CropBox cut = new(top, left, window.Height, window.Width);
        if (!cut.LiesIn(width, height))
        {
            throw new ArgumentException($"{cut} does not lie in an image of width {width} and height {height}.", nameof(window));
        }

        using ResampleTables tables = ResampleTables.Rent();
        ResampleTable across = tables.Across(box.Width, box.Width, width, filter), down = tables.Down(box.Height, box.Height, height, filter);
        Resample(source, box, cut, across, down, window, mirror: false);
    }

    private static void Check(PixelImage source, CropBox box, PixelImage destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(destination);
        if (!box.LiesIn(source.Width, source.Height))
        {
            throw new ArgumentException($"{box} does not lie in an image of width {source.Width} and height {source.Height}.", nameof(box));
        }

        if (source.Channels != destination.Channels)
        {
            throw new ArgumentException($"From {source.Channels} to {destination.Channels} channels: resampling does not change them.");
        }
    }

    private static void Resample(
        PixelImage source, CropBox box, CropBox cut, ResampleTable across, ResampleTable down, PixelImage destination, bool mirror)
    {
        // Only the rows that the cut's windows reach.
        int last = cut.Top + cut.Height - 1, firstRow = down.Starts[cut.Top], rows = down.Starts[last] + down.Counts[last] - firstRow;
        int channels = source.Channels, stride = VerticalPass.StrideFor(cut.Width * channels);
        using PooledBytes middle = new(checked(rows * stride));
        fixed (byte* from = source.PixelsAndSlack, between = middle.Span, to = destination.PixelsAndSlack)
        {
            byte* corner = from + ((long)(box.Top + firstRow) * source.Width + box.Left) * channels;
            HorizontalPass pass = new(corner, (long)source.Width * channels, rows, between, stride, channels);
            pass.Run(across, cut.Left, cut.Width, mirror);
            VerticalPass.Run(between, stride, to, cut.Width * channels, cut.Top, cut.Height, down);
        }
    }
}
