namespace DinoSharp.Data;

/// <summary>
/// The one view that training with labels takes of an image. The defaults are those of the linear evaluation (arXiv 2104.14294, section
/// 4.1; torchvision's RandomResizedCrop and RandomHorizontalFlip).
/// </summary>
public sealed record RandomCropOptions
{
    /// <summary>Side of the view in pixels.</summary>
    public int Size { get; init; } = 224;

    /// <summary>The part of the image's area that a crop covers.</summary>
    public Interval Scale { get; init; } = new(0.08, 1);

    /// <summary>A crop's width over its height, before it is made square.</summary>
    public Interval Ratio { get; init; } = new(3.0 / 4, 4.0 / 3);

    public double FlipProbability { get; init; } = 0.5;

    /// <summary>Whether crops are resized bicubically, as fine-tuning does, or bilinearly, as the linear evaluation does.</summary>
    public bool Bicubic { get; init; }

    /// <summary>Brightness, contrast and saturation change by a factor from 1 - this to 1 + this; 0 leaves the colours.</summary>
    public double ColorJitter { get; init; }

    /// <summary>What RandAugment does to the view after the colour jitter and before erasing; null for nothing.</summary>
    public RandAugmentOptions? RandAugment { get; init; }

    /// <summary>The chance that a rectangle of the view is replaced by noise (random erasing, arXiv 1708.04896).</summary>
    public double EraseProbability { get; init; }

    /// <summary>Returns itself if views can be drawn.</summary>
    /// <exception cref="ArgumentException">One line: the option, its value, and what it may be.</exception>
    public RandomCropOptions Validated()
    {
        Scale.Check(nameof(Scale), double.Epsilon, 1);
        Ratio.Check(nameof(Ratio), 0.01, 100);
        RandAugment?.Validated();
        string? fault =
            Size is < 1 or > EvaluationRecipe.MaxSize ? $"a view's side is from 1 to {EvaluationRecipe.MaxSize} pixels, not {Size}" :
            FlipProbability is not (>= 0 and <= 1) || EraseProbability is not (>= 0 and <= 1)
                ? "the chances of a flip and of erasing are from 0 to 1" :
            ColorJitter is not (>= 0 and <= 1) ? $"the colour jitter is from 0 to 1, not {ColorJitter}" : null;
        return fault is null ? this : throw new ArgumentException(fault);
    }
}
