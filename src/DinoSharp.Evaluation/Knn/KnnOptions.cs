using System.Globalization;
using DinoSharp.Evaluation.Features;

namespace DinoSharp.Evaluation.Knn;

/// <summary>Settings of the weighted k-nearest-neighbour classifier, with those of arXiv 2104.14294, appendix F.1.</summary>
public sealed record KnnOptions
{
    /// <summary>Numbers of neighbours to vote; each gives a score of its own.</summary>
    public IReadOnlyList<int> Ks { get; init; } = [10, 20, 100, 200];

    /// <summary>The temperature T of a vote's weight, exp(similarity / T).</summary>
    public double Temperature { get; init; } = 0.07;

    /// <summary>Most bytes of a block of similarities, of some test rows with some training rows; it has at least 1 x 64.</summary>
    public long BlockBytes { get; init; } = CosineIndex.DefaultBlockBytes;

    /// <summary>Returns itself if the values make a classifier.</summary>
    /// <exception cref="EvaluationException">Says in one line which value does not.</exception>
    public KnnOptions Validated()
    {
        string? fault =
            Ks.Count == 0 || Ks.Any(k => k < 1) ? "k-NN needs at least one k, each at least 1" :
            !(Temperature > 0) ? string.Create(CultureInfo.InvariantCulture, $"the temperature must be above 0, not {Temperature}") :
            BlockBytes < 1 ? $"a block of similarities needs at least 1 byte, not {BlockBytes}" : null;
        return fault is null ? this : throw new EvaluationException(fault);
    }
}
