using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>
/// RandAugment (arXiv 1909.13719, figure 2). What a strength means to each operation is as in the authors' code, with the ranges of
/// AutoAugment (arXiv 1805.09501, table 6): the factors of colour, contrast, brightness and sharpness rise from 0.1 to 1.9, while posterize
/// and solarize weaken as the strength rises. What moves, shears and turns does so to either side.
/// </summary>
public static class RandAugment
{
    private const double LargestAngle = 30;
    private const double LargestShear = 0.3;

    /// <summary>Of the side: 150 of 331 pixels.</summary>
    private const double LargestTranslation = 0.45;

    private const int PosterizeBits = 4;

    private static readonly RandAugmentOperation[] All = Enum.GetValues<RandAugmentOperation>();

    /// <summary>Draws operations and does them, in place.</summary>
    public static void Apply(PixelImage view, RandAugmentOptions options, ref SampleRandom random)
    {
        ArgumentNullException.ThrowIfNull(view);
        ArgumentNullException.ThrowIfNull(options);
        for (int i = 0; i < options.Operations; i++)
        {
            var operation = All[random.NextInt(All.Length)];
            bool done = random.Chance(options.Probability);
            double magnitude = Math.Clamp(
                options.Magnitude + options.MagnitudeDeviation * random.Normal(),
                0,
                Math.Max(options.Magnitude, RandAugmentOptions.FullMagnitude));
            bool other = random.Chance(0.5);
            if (done)
            {
                Apply(view, operation, magnitude, other);
            }
        }
    }

    /// <summary>Does one operation, in place; none to colours that an image lacks.</summary>
    /// <param name="view">any image</param>
    /// <param name="operation">what</param>
    /// <param name="magnitude">how strongly; 10 is the end of its range</param>
    /// <param name="toOtherSide">whether it moves, shears or turns to the left or up, in place of right or down</param>
    public static void Apply(PixelImage view, RandAugmentOperation operation, double magnitude, bool toOtherSide)
    {
        ArgumentNullException.ThrowIfNull(view);
        double share = magnitude / RandAugmentOptions.FullMagnitude, side = toOtherSide ? -share : share;
        float factor = (float)(0.1 + 1.8 * share);
        switch (operation)
        {
            case RandAugmentOperation.AutoContrast:
                ToneCurves.AutoContrast(view);
                break;
            case RandAugmentOperation.Equalize:
                ToneCurves.Equalize(view);
                break;
            case RandAugmentOperation.Rotate:
                AffineWarp.Rotate(view, LargestAngle * side);
                break;
            case RandAugmentOperation.Solarize when share < 1: // a threshold of 256 inverts nothing
                PixelOperations.Solarize(view, (byte)(256 * share));
                break;
            case RandAugmentOperation.Color when view.Channels == 3:
                ColorJitter.Saturation(view, factor);
                break;
            case RandAugmentOperation.Posterize:
                PixelOperations.Posterize(view, Math.Min((int)(PosterizeBits * share), 8));
                break;
            case RandAugmentOperation.Contrast:
                ColorJitter.Contrast(view, factor);
                break;
            case RandAugmentOperation.Brightness:
                ColorJitter.Brightness(view, factor);
                break;
            case RandAugmentOperation.Sharpness:
                Sharpness.Apply(view, factor);
                break;
            case RandAugmentOperation.ShearX:
                AffineWarp.ShearX(view, LargestShear * side);
                break;
            case RandAugmentOperation.ShearY:
                AffineWarp.ShearY(view, LargestShear * side);
                break;
            case RandAugmentOperation.TranslateX:
                AffineWarp.TranslateX(view, (int)(LargestTranslation * side * view.Width));
                break;
            case RandAugmentOperation.TranslateY:
                AffineWarp.TranslateY(view, (int)(LargestTranslation * side * view.Height));
                break;
            default:
                break;
        }
    }
}
