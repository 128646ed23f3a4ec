using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Retrieval;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.CopyDetection;

/// <summary>
/// The protocol of Copydays (Douze et al., 2009): each altered image is to find the original that it was made from among all originals
/// and distractors. Only the first results count.
/// </summary>
public static class CopyDetectionEvaluation
{
    /// <summary>How many results of a query count.</summary>
    public const int Top = 20;

    private const long SimilarityBytes = 64L << 20;

    /// <summary>What each query finds in the database, best first.</summary>
    /// <param name="queries">// float32 [M, K]</param>
    /// <param name="database">// float32 [N, K]</param>
    /// <returns>rows of the database, min(20, N) for each query</returns>
    /// <exception cref="EvaluationException">The features are not finite, or not of one length.</exception>
    public static IReadOnlyList<long[]> Search(Tensor queries, Tensor database)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        using var index = new CosineIndex(database, SimilarityBytes);
        int top = (int)Math.Min(Top, index.Count);
        var found = new List<long[]>((int)queries.size(0));
        foreach (var chunk in index.Chunks(queries))
        {
            using var chunkScope = NewDisposeScope();
            found.AddRange(index.Nearest(chunk, top).Rows.cpu().data<long>().ToArray().Chunk(top)); // [m, top]
        }

        return found;
    }

    /// <summary>Mean average precision.</summary>
    /// <param name="found">what each query finds, best first</param>
    /// <param name="right">for each query the rows that are right, at least one</param>
    /// <returns>0 .. 1</returns>
    public static double MeanAveragePrecision(IReadOnlyList<long[]> found, IReadOnlyList<int[]> right)
    {
        ArgumentNullException.ThrowIfNull(found);
        ArgumentNullException.ThrowIfNull(right);
        ArgumentOutOfRangeException.ThrowIfNotEqual(right.Count, found.Count);
        ArgumentOutOfRangeException.ThrowIfZero(found.Count);
        return found.Zip(right).Average(query =>
        {
            int[] ranks = [.. query.First.Index().Where(result => query.Second.Contains((int)result.Item)).Select(result => result.Index)];
            return AveragePrecision.Of(ranks, query.Second.Length);
        });
    }
}
