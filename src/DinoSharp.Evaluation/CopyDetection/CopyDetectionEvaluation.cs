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

    /// <summary>What each query finds in the database, best first.</summary>
    /// <param name="queries">// [M, K]</param>
    /// <param name="databases">the parts of the database, whose rows are counted from the first part's on // [N, K] together</param>
    /// <param name="device">where to search; the CPU if not given</param>
    /// <returns>rows of the database, min(20, N) for each query, on each of the processes that share queries and database</returns>
    /// <exception cref="EvaluationException">The features are not finite, or not of one length.</exception>
    public static IReadOnlyList<long[]> Search(SharedRows queries, IReadOnlyList<SharedRows> databases, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(databases);
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        List<CosineIndex> indices = [.. databases.Select(database => new CosineIndex(database, device))];
        int top = (int)Math.Min(Top, indices.Sum(index => index.Count));
        var found = new List<long[]>((int)queries.Count);
        foreach (var chunk in indices[0].Chunks(queries))
        {
            using var chunkScope = NewDisposeScope();
            using var rows = chunk;
            NearestRows nearest = new((int)rows.size(0), top);
            long first = 0;
            foreach (var index in indices)
            {
                var (similarities, places) = index.Nearest(rows, Math.Min(top, index.Count)); // [m, <= top]
                nearest.Add(similarities.cpu().data<float>().ToArray(), places.cpu().data<long>().ToArray(), first);
                first += index.Count;
            }

            found.AddRange(nearest.Rows.Chunk(top));
        }

        indices.ForEach(index => index.Dispose());
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
