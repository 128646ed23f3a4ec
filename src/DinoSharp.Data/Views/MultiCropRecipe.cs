using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>How one view of an image is made: its size, and the chances that are not the same for all views.</summary>
internal readonly record struct ViewPlan(int Size, Interval Scale, double BlurProbability, double SolarizeProbability);

/// <summary>Makes the views of an image that training compares: the global crops first, then the local ones.</summary>
public sealed class MultiCropRecipe : IViewRecipe
{
    private readonly ViewPlan[] _plans;

    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public MultiCropRecipe(MultiCropOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        ViewPlan first = new(options.GlobalSize, options.GlobalScale, options.FirstGlobalBlurProbability, SolarizeProbability: 0);
        ViewPlan second = new(options.GlobalSize, options.GlobalScale, options.SecondGlobalBlurProbability, options.SolarizeProbability);
        ViewPlan local = new(options.LocalSize, options.LocalScale, options.LocalBlurProbability, SolarizeProbability: 0);
        _plans = [first, .. Enumerable.Repeat(second, options.GlobalCount - 1), .. Enumerable.Repeat(local, options.LocalCount)];
    }

    public MultiCropOptions Options { get; }

    public int ViewCount => _plans.Length;

    /// <summary>Side in pixels of a view, which is square.</summary>
    public int SizeOf(int view) => _plans[view].Size;

    /// <summary>
    /// Draws a view. Every number is drawn whether it is used or not, and in a fixed order: changing one option leaves the other
    /// parts of the views as they were.
    /// </summary>
    /// <param name="view">The view's number, from 0.</param>
    /// <param name="width">The image's width in pixels.</param>
    /// <param name="height">The image's height in pixels.</param>
    /// <param name="random">Where the numbers come from.</param>
    public ViewParameters Draw(int view, int width, int height, ref SampleRandom random)
    {
        ViewPlan plan = _plans[view];
        bool flip = random.Chance(Options.FlipProbability);
        bool jitters = random.Chance(Options.JitterProbability);
        JitterParameters jitter = JitterParameters.Draw(ref random, Options);
        bool grayscale = random.Chance(Options.GrayscaleProbability);
        bool blurs = random.Chance(plan.BlurProbability);
        float radius = (float)Options.BlurRadius.Draw(ref random);
        bool solarize = random.Chance(plan.SolarizeProbability);
        CropBox box = RandomResizedCrop.Draw(ref random, width, height, plan.Scale, Options.Ratio);
        return new ViewParameters(box, flip, jitters ? jitter : null, grayscale, blurs ? radius : null, solarize);
    }

    /// <inheritdoc/>
    public DecodeOptions Decoding(DecodeOptions asked) => Options.Decoding(asked);

    /// <summary>Makes a view of an image, with as many channels. The caller disposes it.</summary>
    /// <param name="image">The image; what of the colours' changes needs RGB is left out for others.</param>
    /// <param name="view">The view's number, from 0.</param>
    /// <param name="random">Where the numbers come from.</param>
    public PixelImage Make(PixelImage image, int view, ref SampleRandom random)
    {
        ArgumentNullException.ThrowIfNull(image);
        PixelImage result = new(SizeOf(view), SizeOf(view), image.Channels);
        Draw(view, image.Width, image.Height, ref random).Apply(image, result);
        if (Options.RandAugment is { } augment)
        {
            RandAugment.Apply(result, augment, ref random);
        }

        return result;
    }
}
