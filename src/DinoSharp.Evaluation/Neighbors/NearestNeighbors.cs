using DinoSharp.Evaluation.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Neighbors;

/// <summary>An image near another.</summary>
/// <param name="Index">its row in the table</param>
/// <param name="Similarity">cosine of the two features, -1 .. 1</param>
public readonly record struct Neighbor(int Index, float Similarity);

/// <summary>The images of a table that are most alike by their features: exact search by cosine.</summary>
public sealed class NearestNeighbors : IDisposable
{
    private readonly CosineIndex _index;
    private readonly SharedRows _rows;

    /// <param name="table">Used where it is on the CPU, so leave its values as they are; copied to another device.</param>
    /// <param name="device">where to search; the CPU if not given</param>
    /// <param name="blockBytes">
    /// most bytes of a block of similarities, of some queries with some of the table's rows; it has at least 1 x 64
    /// </param>
    /// <exception cref="EvaluationException">A feature is not finite.</exception>
    public NearestNeighbors(FeatureTable table, Device? device = null, long blockBytes = CosineIndex.DefaultBlockBytes)
        : this(SharedRows.Of(table), device, blockBytes)
    {
    }

    /// <param name="rows">of which each process has a share; all of them ask the same questions in the same order</param>
    /// <param name="device">where to search; the CPU if not given</param>
    /// <param name="blockBytes">
    /// most bytes of a block of similarities, of some queries with some of the rows; it has at least 1 x 64
    /// </param>
    /// <exception cref="EvaluationException">A feature is not finite.</exception>
    public NearestNeighbors(SharedRows rows, Device? device = null, long blockBytes = CosineIndex.DefaultBlockBytes) =>
        (_rows, _index) = (rows, new CosineIndex(rows, device, blockBytes));

    /// <summary>The neighbours of some images of the table, nearest first; an image is not its own neighbour.</summary>
    /// <param name="queries">rows of the table</param>
    /// <param name="count">how many; with fewer other images all of them</param>
    public IReadOnlyList<Neighbor[]> Of(IReadOnlyList<long> queries, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        return Find(
            queries.Count,
            queries.Count > 0 ? _index.Chunks(_rows.Rows(queries)) : [],
            (int)Math.Min(count, _index.Count - 1),
            [.. queries]);
    }

    /// <summary>The images of the table that are nearest to others, nearest first.</summary>
    /// <param name="queries">features of the same network, not of this table's images: such an image would be its own neighbour</param>
    /// <param name="count">how many; of a smaller table all of them</param>
    /// <returns>a list for each row of the queries</returns>
    /// <exception cref="EvaluationException">The features are of another length, or not finite.</exception>
    public IReadOnlyList<Neighbor[]> Of(FeatureTable queries, int count) => Of(SharedRows.Of(queries), count);

    /// <summary>The same of queries that the processes share.</summary>
    /// <param name="queries">features of the same network, not of these images: such an image would be its own neighbour</param>
    /// <param name="count">how many; of fewer images all of them</param>
    /// <returns>a list for each row of the queries, on each of the processes</returns>
    /// <exception cref="EvaluationException">The features are of another length, or not finite.</exception>
    public IReadOnlyList<Neighbor[]> Of(SharedRows queries, int count)
    {
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        return Find((int)queries.Count, _index.Chunks(queries), (int)Math.Min(count, _index.Count), []);
    }

    public void Dispose() => _index.Dispose();

    private List<Neighbor[]> Find(int queries, IEnumerable<Tensor> chunks, int count, ReadOnlySpan<long> excluded)
    {
        if (count < 1)
        {
            return [.. Enumerable.Repeat(Array.Empty<Neighbor>(), queries)];
        }

        List<Neighbor[]> found = [];
        foreach (var chunk in chunks)
        {
            using var scope = NewDisposeScope();
            using var rows = chunk;
            var own = excluded.IsEmpty ? excluded : excluded.Slice(found.Count, (int)rows.size(0));
            var (similarities, nearest) = _index.Nearest(rows, count, own); // [m, count]
            float[] alike = similarities.cpu().data<float>().ToArray();
            long[] places = nearest.cpu().data<long>().ToArray();
            found.AddRange(Enumerable.Range(0, alike.Length / count).Select(q =>
                Enumerable.Range(q * count, count).Select(i => new Neighbor((int)places[i], alike[i])).ToArray()));
        }

        return found;
    }
}
