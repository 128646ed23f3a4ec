using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Features;

/// <summary>
/// Exact search for the rows of a database that are most alike to given rows, by cosine. Similarities are computed block by block, some
/// queries with some rows of the database, and of each block only what belongs to the nearest rows is kept: besides the database itself
/// a search takes the memory of a block and of its result.
/// </summary>
internal sealed class CosineIndex : IDisposable
{
    /// <summary>The default of a block's bytes: what a core's cache and the next one's hold, and products of a size that runs at full rate.</summary>
    public const long DefaultBlockBytes = 8L << 20;

    /// <summary>More queries in a block would make its runs of the database too short.</summary>
    private const int MostQueries = 1024;

    private const int FewestRows = 64;

    private readonly Tensor _database; // [N, D]
    private readonly Tensor _scales; // 1 over the rows' lengths [N]
    private readonly long _blockBytes;

    /// <param name="database">float32 features of any length, used where they are and not copied: leave them as they are // [N, D]</param>
    /// <param name="blockBytes">the most memory a block's similarities take; a block has at least one query and 64 rows</param>
    /// <exception cref="EvaluationException">The features are not a matrix of finite numbers.</exception>
    public CosineIndex(Tensor database, long blockBytes = DefaultBlockBytes)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        _database = Matrix(database, "database").alias().DetachFromDisposeScope();
        _scales = RowScales.Of(_database, "database").DetachFromDisposeScope();
        _blockBytes = blockBytes;
    }

    /// <summary>Rows N of the database.</summary>
    public long Count => _database.size(0);

    /// <summary>Where the search is computed.</summary>
    public Device Device => _database.device;

    /// <summary>Queries that are searched for at once.</summary>
    public int QueryRows => (int)Math.Clamp(_blockBytes / (sizeof(float) * FewestRows), 1, MostQueries);

    /// <summary>Query features as chunks of at most <see cref="QueryRows"/> rows of length 1, on this index's device.</summary>
    /// <param name="queries">float32 // [M, D]</param>
    /// <returns>// tensors [m, D], in order</returns>
    /// <exception cref="EvaluationException">The features are not a matrix of D columns of finite numbers.</exception>
    public Tensor[] Chunks(Tensor queries)
    {
        if (queries.dim() == 2 && queries.size(1) != _database.size(1))
        {
            throw new EvaluationException($"features of length {queries.size(1)} cannot be compared with features of length "
                + $"{_database.size(1)}: use one backbone for both");
        }

        using var scope = NewDisposeScope();
        var rows = Matrix(queries.to(Device), "queries");
        var unit = rows.mul(RowScales.Of(rows, "queries").unsqueeze(1)); // [M, D]
        return [.. unit.split(QueryRows).Select(chunk => chunk.MoveToOuterDisposeScope())];
    }

    /// <summary>The nearest rows of the database, nearest first; of equally near ones the lower row, on the CPU without exception.</summary>
    /// <param name="queries">rows of length 1 // [m, D]</param>
    /// <param name="k">how many, at most the database's rows</param>
    /// <param name="excluded">for each query one row of the database that does not count</param>
    /// <returns>similarities and database rows // float32 [m, k], int64 [m, k]</returns>
    public (Tensor Similarities, Tensor Rows) Nearest(Tensor queries, long k, ReadOnlySpan<long> excluded = default)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var (similarities, rows) = Device.type == DeviceType.CPU
            ? NearestHere(queries, (int)k, excluded.ToArray())
            : NearestThere(queries, (int)k, excluded);
        return (similarities.MoveToOuterDisposeScope(), rows.MoveToOuterDisposeScope());
    }

    /// <summary>All rows of the database, nearest first, of equally near ones the lower row.</summary>
    /// <param name="query">a row of length 1 // [1, D]</param>
    /// <returns>// N rows</returns>
    public int[] Ranking(Tensor query)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var similarities = _database.matmul(query[0]).mul_(_scales); // [N]
        var order = similarities.sort(0, descending: true, stable: true).Indices; // [N]
        return order.to(ScalarType.Int32).cpu().data<int>().ToArray();
    }

    public void Dispose()
    {
        _database.Dispose();
        _scales.Dispose();
    }

    private (Tensor Similarities, Tensor Rows) NearestHere(Tensor queries, int k, long[] excluded)
    {
        int count = (int)queries.size(0);
        NearestRows nearest = new(count, k);
        var threads = new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() };
        foreach (var (start, length) in Blocks(count))
        {
            using var scope = NewDisposeScope();
            var products = queries.matmul(_database.narrow(0, start, length).t()); // [m, n]
            var scales = _scales.narrow(0, start, length); // [n]
            int parts = Math.Min(threads.MaxDegreeOfParallelism, count);
            Parallel.For(0, parts, threads, part =>
            {
                ReadOnlySpan<float> block = RowScales.Floats(products), scale = RowScales.Floats(scales);
                for (int query = part * count / parts; query < (part + 1) * count / parts; query++)
                {
                    nearest.Scan(query, block.Slice(query * (int)length, (int)length), scale, start, excluded.Length > 0 ? excluded[query] : -1);
                }
            });
        }

        return (tensor(nearest.Similarities, count, k), tensor(nearest.Rows, count, k));
    }

    private (Tensor Similarities, Tensor Rows) NearestThere(Tensor queries, int k, ReadOnlySpan<long> excluded)
    {
        var own = excluded.Length > 0 ? tensor(excluded.ToArray(), ScalarType.Int64, Device).unsqueeze(1) : null; // [m, 1]
        Tensor? best = null, rows = null;
        foreach (var (start, length) in Blocks((int)queries.size(0)))
        {
            using var scope = NewDisposeScope();
            var block = queries.matmul(_database.narrow(0, start, length).t()).mul_(_scales.narrow(0, start, length)); // [m, n]
            var numbers = arange(start, start + length, ScalarType.Int64, Device); // [n]
            if (own is not null)
            {
                block.masked_fill_(own.eq(numbers), double.NegativeInfinity);
            }

            var (values, places) = block.topk((int)Math.Min(k, length), 1, largest: true, sorted: true); // [m, <= k]
            var indices = numbers.take(places);
            if (best is not null && rows is not null)
            {
                var (all, from) = cat([best, values], 1).sort(1, descending: true, stable: true);
                indices = cat([rows, indices], 1).gather(1, from).narrow(1, 0, Math.Min(k, from.size(1)));
                values = all.narrow(1, 0, indices.size(1));
            }

            best?.Dispose();
            rows?.Dispose();
            (best, rows) = (values.contiguous().MoveToOuterDisposeScope(), indices.contiguous().MoveToOuterDisposeScope());
        }

        return (best!, rows!);
    }

    /// <summary>The database in runs that make blocks with a number of queries.</summary>
    private IEnumerable<(long Start, long Length)> Blocks(int queries)
    {
        long rows = Math.Max(FewestRows, _blockBytes / (sizeof(float) * queries));
        for (long start = 0; start < Count; start += rows)
        {
            yield return (start, Math.Min(rows, Count - start));
        }
    }

    private static Tensor Matrix(Tensor features, string what) => features.dim() == 2
        ? features.to(ScalarType.Float32).contiguous()
        : throw new EvaluationException($"the {what} must be a matrix of features, not of shape [{string.Join(", ", features.shape)}]");
}
