using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>
/// What views training takes of an image: global crops, local crops, and how they are changed. The defaults are the published
/// method's (arXiv 2104.14294, section 3.2 and appendix; the colour changes are those of BYOL).
/// </summary>
public sealed record MultiCropOptions
{
    /// <summary>Side of a global crop in pixels.</summary>
    public int GlobalSize { get; init; } = 224;

    /// <summary>Side of a local crop in pixels.</summary>
    public int LocalSize { get; init; } = 96;

    public int GlobalCount { get; init; } = 2;

    public int LocalCount { get; init; } = 8;

    /// <summary>The part of the image's area that a global crop covers.</summary>
    public Interval GlobalScale { get; init; } = new(0.4, 1);

    /// <summary>The part of the image's area that a local crop covers.</summary>
    public Interval LocalScale { get; init; } = new(0.05, 0.4);

    /// <summary>A crop's width over its height, before it is made square.</summary>
    public Interval Ratio { get; init; } = new(3.0 / 4, 4.0 / 3);

    public double FlipProbability { get; init; } = 0.5;

    public double JitterProbability { get; init; } = 0.8;

    /// <summary>The brightness changes by a factor from 1 - this to 1 + this; so do contrast and saturation.</summary>
    public double Brightness { get; init; } = 0.4;

    public double Contrast { get; init; } = 0.4;

    public double Saturation { get; init; } = 0.2;

    /// <summary>The hue turns by up to this part of the colour circle, either way.</summary>
    public double Hue { get; init; } = 0.1;

    public double GrayscaleProbability { get; init; } = 0.2;

    public double FirstGlobalBlurProbability { get; init; } = 1;

    /// <summary>Of the second global crop and any more.</summary>
    public double SecondGlobalBlurProbability { get; init; } = 0.1;

    public double LocalBlurProbability { get; init; } = 0.5;

    /// <summary>The Gaussian's standard deviation in pixels.</summary>
    public Interval BlurRadius { get; init; } = new(0.1, 2);

    /// <summary>Of the second global crop and any more; others are never solarized.</summary>
    public double SolarizeProbability { get; init; } = 0.2;

    /// <summary>What RandAugment does to each view when all else is done; null for nothing.</summary>
    public RandAugmentOptions? RandAugment { get; init; }

    /// <summary>
    /// Whether views are made of all pixels of an image, as the published method's are. Otherwise photographs so large that every crop is
    /// shrunk anyway are decoded at a half, a quarter or an eighth (<see cref="ReductionOf"/>).
    /// </summary>
    public bool Exact { get; init; }

    /// <summary>
    /// By what an image may be divided before it is cut: the largest of 8, 4 and 2 that leaves even the smallest crop at least as many
    /// pixels a side as its view has, else 1.
    /// </summary>
    /// <param name="width">The image's width in pixels.</param>
    /// <param name="height">The image's height in pixels.</param>
    public int ReductionOf(int width, int height)
    {
        double side = Math.Sqrt((double)width * height * Math.Min(Ratio.Low, 1 / Ratio.High)); // the shorter one of a crop of the whole area
        double detail = Math.Min(
            Math.Sqrt(GlobalScale.Low) * side / GlobalSize,
            LocalCount > 0 ? Math.Sqrt(LocalScale.Low) * side / LocalSize : double.PositiveInfinity);
        return detail >= 8 ? 8 : detail >= 4 ? 4 : detail >= 2 ? 2 : 1;
    }

    /// <summary>How images are decoded for these views: as asked for, and reduced where that is allowed.</summary>
    public DecodeOptions Decoding(DecodeOptions asked)
    {
        ArgumentNullException.ThrowIfNull(asked);
        return asked with { Reduction = Exact ? null : ReductionOf };
    }

    /// <summary>Refuses what cannot be drawn.</summary>
    /// <exception cref="ArgumentException">One line: the option, its value, and what it may be.</exception>
    public void Validate()
    {
        CheckNumber(nameof(GlobalSize), GlobalSize, 1, 4096);
        CheckNumber(nameof(LocalSize), LocalSize, 1, 4096);
        CheckNumber(nameof(GlobalCount), GlobalCount, 1, 64);
        CheckNumber(nameof(LocalCount), LocalCount, 0, 64);
        GlobalScale.Check(nameof(GlobalScale), double.Epsilon, 1);
        LocalScale.Check(nameof(LocalScale), double.Epsilon, 1);
        Ratio.Check(nameof(Ratio), 0.01, 100);
        CheckNumber(nameof(FlipProbability), FlipProbability, 0, 1);
        CheckNumber(nameof(JitterProbability), JitterProbability, 0, 1);
        CheckNumber(nameof(Brightness), Brightness, 0, 1);
        CheckNumber(nameof(Contrast), Contrast, 0, 1);
        CheckNumber(nameof(Saturation), Saturation, 0, 1);
        CheckNumber(nameof(Hue), Hue, 0, 0.5);
        CheckNumber(nameof(GrayscaleProbability), GrayscaleProbability, 0, 1);
        CheckNumber(nameof(FirstGlobalBlurProbability), FirstGlobalBlurProbability, 0, 1);
        CheckNumber(nameof(SecondGlobalBlurProbability), SecondGlobalBlurProbability, 0, 1);
        CheckNumber(nameof(LocalBlurProbability), LocalBlurProbability, 0, 1);
        BlurRadius.Check(nameof(BlurRadius), 0, GaussianBlur.MaxRadius);
        CheckNumber(nameof(SolarizeProbability), SolarizeProbability, 0, 1);
        RandAugment?.Validated();
    }

    private static void CheckNumber(string name, double value, double least, double most)
    {
        if (!(value >= least && value <= most))
        {
            throw new ArgumentException($"{name} is {value}; it must lie between {least} and {most}.");
        }
    }
}
