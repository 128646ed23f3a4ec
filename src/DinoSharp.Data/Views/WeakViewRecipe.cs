using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>
/// A view that shows an image nearly as it is, before the views of another recipe: the middle of the shorter side, seven eighths of it, as
/// evaluation sees it, mirrored or not.
/// </summary>
public sealed class WeakViewRecipe : IViewRecipe
{
    private readonly MultiCropRecipe _crops;
    private readonly int _size;

    /// <param name="size">side of the weak view in pixels</param>
    /// <param name="crops">of the views after it</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public WeakViewRecipe(int size, MultiCropOptions crops)
    {
        if (size is < 1 or > 4096)
        {
            throw new ArgumentException($"a weak view of {size} pixels: its side must lie between 1 and 4096");
        }

        (_size, _crops) = (size, new MultiCropRecipe(crops));
    }

    public int ViewCount => _crops.ViewCount + 1;

    public int SizeOf(int view) => view == 0 ? _size : _crops.SizeOf(view - 1);

    /// <inheritdoc/>
    public DecodeOptions Decoding(DecodeOptions asked)
    {
        var decoding = _crops.Decoding(asked);
        return decoding.Reduction is { } reduction
            ? decoding with { Reduction = (width, height) => Math.Min(reduction(width, height), ReductionOf(width, height)) }
            : decoding;
    }

    /// <inheritdoc/>
    public PixelImage Make(PixelImage image, int view, ref SampleRandom random)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (view > 0)
        {
            return _crops.Make(image, view - 1, ref random);
        }

        bool flips = random.Chance(_crops.Options.FlipProbability);
        int side = Side(image.Width, image.Height);
        PixelImage result = new(_size, _size, image.Channels);
        CropBox middle = new((image.Height - side) / 2, (image.Width - side) / 2, side, side);
        Resampler.Resize(image, middle, result, ResampleFilter.Bicubic, mirror: flips);
        return result;
    }

    private int ReductionOf(int width, int height)
    {
        int detail = Side(width, height) / _size;
        return detail >= 8 ? 8 : detail >= 4 ? 4 : detail >= 2 ? 2 : 1;
    }

    private static int Side(int width, int height) => Math.Max(1, (int)Math.Round(Math.Min(width, height) * 7 / 8.0));
}
