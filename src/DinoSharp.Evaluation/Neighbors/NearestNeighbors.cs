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
    private const long DefaultSimilarityBytes = 256L << 20;

    private readonly CosineIndex _index;
    private readonly Tensor _features; // [N, D]

    /// <param name="table">Copied to the device.</param>
    /// <param name="device">where to search; the CPU if not given</param>
    /// <param name="similarityBytes">most bytes of the similarities of a chunk of queries; a chunk has at least one query</param>
    /// <exception cref="EvaluationException">A feature is not finite.</exception>
    public NearestNeighbors(FeatureTable table, Device? device = null, long similarityBytes = DefaultSimilarityBytes)
    {
        using var scope = NewDisposeScope();
        _features = tensor(table.Values, table.Rows, table.Dim).to(device ?? CPU);
        _index = new CosineIndex(_features, similarityBytes);
        _features.DetachFromDisposeScope();
    }

    /// <summary>The neighbours of some images of the table, nearest first; an image is not its own neighbour.</summary>
    /// <param name="queries">rows of the table</param>
    /// <param name="count">how many; with fewer other images all of them</param>
    public IReadOnlyList<Neighbor[]> Of(IReadOnlyList<long> queries, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        int found = (int)Math.Min(count, _index.Count - 1);
        if (found < 1 || queries.Count == 0)
        {
            return [.. queries.Select(_ => Array.Empty<Neighbor>())];
        }

        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var rows = tensor([.. queries], ScalarType.Int64, _index.Device); // [Q]
        var chunkRows = rows.split(_index.ChunkRows);
        var chunks = _index.Chunks(_features.index_select(0, rows));
        return [.. chunks.Zip(chunkRows).SelectMany(chunk => Find(chunk.First, chunk.Second, found))];
    }

    public void Dispose()
    {
        _index.Dispose();
        _features.Dispose();
    }

    private Neighbor[][] Find(Tensor queries, Tensor rows, int count)
    {
        using var scope = NewDisposeScope();
        var (similarities, nearest) = _index.Nearest(queries, count, rows); // [q, count]
        float[] alike = similarities.cpu().data<float>().ToArray();
        long[] indices = nearest.cpu().data<long>().ToArray();
        return [.. Enumerable.Range(0, alike.Length / count).Select(q =>
            Enumerable.Range(q * count, count).Select(i => new Neighbor((int)indices[i], alike[i])).ToArray())];
    }
}
