using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>Makes the view of <see cref="RandomCropOptions"/>: crop, resize, flip, jitter, RandAugment, erase, in this order.</summary>
public sealed class RandomCropRecipe : IViewRecipe
{
    private readonly RandomCropOptions _options;
    private readonly MultiCropOptions _jitter;

    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public RandomCropRecipe(RandomCropOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options.Validated();
        _jitter = new MultiCropOptions
        {
            Brightness = options.ColorJitter,
            Contrast = options.ColorJitter,
            Saturation = options.ColorJitter,
            Hue = 0,
        };
    }

    public int ViewCount => 1;

    public int SizeOf(int view) => _options.Size;

    /// <inheritdoc/>
    public DecodeOptions Decoding(DecodeOptions asked) => asked with { Reduction = null };

    /// <inheritdoc/>
    public PixelImage Make(PixelImage image, int view, ref SampleRandom random)
    {
        ArgumentNullException.ThrowIfNull(image);
        // Every number is drawn whether it is used or not: changing one option leaves the rest of the views as they were.
        bool flips = random.Chance(_options.FlipProbability);
        var jitter = JitterParameters.Draw(ref random, _jitter);
        CropBox box = RandomResizedCrop.Draw(ref random, image.Width, image.Height, _options.Scale, _options.Ratio);
        PixelImage result = new(_options.Size, _options.Size, image.Channels);
        Resampler.Resize(image, box, result, _options.Bicubic ? ResampleFilter.Bicubic : ResampleFilter.Bilinear, mirror: flips);
        if (_options.ColorJitter > 0)
        {
            jitter.Apply(result);
        }

        if (_options.RandAugment is { } augment)
        {
            RandAugment.Apply(result, augment, ref random);
        }

        if (random.Chance(_options.EraseProbability))
        {
            RandomErasing.Apply(result, ref random);
        }

        return result;
    }
}
