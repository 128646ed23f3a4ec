namespace DinoSharp.Data;

/// <summary>
/// How views are changed by RandAugment (arXiv 1909.13719): so many operations, drawn from a list, all of one strength. The defaults are
/// those of ImageNet with ResNet-50 (section 4.4).
/// </summary>
public sealed record RandAugmentOptions
{
    /// <summary>The strength at which operations reach the ends of their ranges.</summary>
    public const double FullMagnitude = 10;

    /// <summary>N: operations on a view, one after the other.</summary>
    public int Operations { get; init; } = 2;

    /// <summary>M: 0 and more; <see cref="FullMagnitude"/> ends AutoAugment's ranges; large networks were trained beyond.</summary>
    public double Magnitude { get; init; } = 9;

    /// <summary>Standard deviation of each operation's strength about M; 0 in the paper, 0.5 in DeiT and InfoMin.</summary>
    public double MagnitudeDeviation { get; init; }

    /// <summary>The chance that a drawn operation is done; 1 in the paper, 0.5 in DeiT and InfoMin.</summary>
    public double Probability { get; init; } = 1;

    /// <summary>Returns itself if views can be changed so.</summary>
    /// <exception cref="ArgumentException">One line: the option, its value, and what it may be.</exception>
    public RandAugmentOptions Validated()
    {
        string? fault =
            Operations is < 0 or > 16 ? $"RandAugment does from 0 to 16 operations, not {Operations}" :
            Magnitude is not (>= 0 and <= 30) ? $"RandAugment's magnitude is from 0 to 30, not {Magnitude}" :
            MagnitudeDeviation is not (>= 0 and <= 30) ? $"the deviation of RandAugment's magnitude is from 0 to 30, not {MagnitudeDeviation}" :
            Probability is not (>= 0 and <= 1) ? $"the chance of RandAugment's operations is from 0 to 1, not {Probability}" : null;
        return fault is null ? this : throw new ArgumentException(fault);
    }
}

/// <summary>What RandAugment does to a view (section 3.1).</summary>
public enum RandAugmentOperation
{
    Identity,
    AutoContrast,
    Equalize,
    Rotate,
    Solarize,
    Color,
    Posterize,
    Contrast,
    Brightness,
    Sharpness,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
}
