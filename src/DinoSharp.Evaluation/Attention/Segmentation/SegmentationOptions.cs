using DinoSharp.Data;

namespace DinoSharp.Evaluation.Attention.Segmentation;

/// <summary>How attention is made into masks to be held against annotations (arXiv 2104.14294, section 4.2.2 and figure 4).</summary>
public sealed record SegmentationOptions
{
    /// <summary>The size at which the paper's authors draw attention maps; the size of the published measure is not public.</summary>
    public const int UsualSide = 480;

    /// <summary>The share of the attention that a mask keeps.</summary>
    public double Mass { get; init; } = AttentionMap.DefaultMass;

    /// <summary>Height that every image is brought to, in pixels; what is more than whole patches is left off.</summary>
    public int Height { get; init; } = UsualSide;

    /// <summary>Width that every image is brought to, in pixels; what is more than whole patches is left off.</summary>
    public int Width { get; init; } = UsualSide;

    /// <summary>These options.</summary>
    /// <exception cref="EvaluationException">A value makes no sense.</exception>
    public SegmentationOptions Validated() =>
        Mass is not (>= 0 and <= 1) ? throw new EvaluationException($"a mask keeps a share of the attention from 0 to 1, not {Mass}")
        : Math.Min(Height, Width) < 1 || Math.Max(Height, Width) > EvaluationRecipe.MaxSize
            ? throw new EvaluationException($"images are brought to sides from 1 to {EvaluationRecipe.MaxSize} pixels, not {Width} x {Height}")
        : this;
}
