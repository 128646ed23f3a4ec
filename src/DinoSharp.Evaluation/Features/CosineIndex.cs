using DinoSharp.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Features;

/// <summary>
/// Exact search for the rows of a database that are most alike to given rows, by cosine. Similarities are computed block by block, some
/// queries with some rows of the database, and of each block only what belongs to the nearest rows is kept: besides the database itself
/// a search takes the memory of a block and of its result.
/// </summary>
/// <remarks>
/// Of several processes each has a share of the database and finds the nearest rows in it, of which all learn. What is found is the same to the
/// bit however many processes there are: of equal similarities the lower row counts as nearer, and blocks are of the same rows, as the
/// products of a row may depend on how many others are multiplied with it (measured for MKL and oneDNN).
/// </remarks>
internal sealed class CosineIndex : IDisposable
{
    /// <summary>The default of a block's bytes: what a core's cache and the next one's hold, and products of a size that runs at full rate.</summary>
    public const long DefaultBlockBytes = 8L << 20;

    /// <summary>More queries in a block would make its runs of the database too short.</summary>
    private const int MostQueries = 1024;

    private const int FewestRows = 64;

    private readonly IReadOnlyList<Block> _blocks;
    private readonly ProcessGroup _group;
    private readonly long _dim;
    private readonly long _blockBytes;

    /// <param name="database">float32 features of any length, used where they are and not copied: leave them as they are // [N, D]</param>
    /// <param name="blockBytes">the most memory a block's similarities take; a block has at least one query and 64 rows</param>
    /// <exception cref="EvaluationException">The features are not a matrix of finite numbers.</exception>
    public CosineIndex(Tensor database, long blockBytes = DefaultBlockBytes)
    {
        using var scope = NewDisposeScope();
        var rows = Matrix(database, "database");
        (_group, _dim, _blockBytes, Device, Count) = (ProcessGroup.Alone, rows.size(1), blockBytes, rows.device, rows.size(0));
        _blocks = [.. rows.split(BlockRows).Select((block, i) => new Block(i * BlockRows, block))];
    }

    /// <summary>An index of which each process has a share.</summary>
    /// <param name="database">leave the rows as they are; on the CPU they are used where they are</param>
    /// <param name="device">where to search; the CPU if not given</param>
    /// <param name="blockBytes">the most memory a block's similarities take; a block has at least one query and 64 rows</param>
    /// <exception cref="EvaluationException">A feature of this process's share is not finite.</exception>
    public CosineIndex(SharedRows database, Device? device = null, long blockBytes = DefaultBlockBytes)
    {
        using var scope = NewDisposeScope();
        (_group, _dim, _blockBytes, Device, Count) = (database.Group, database.Dim, blockBytes, device ?? CPU, database.Count);
        _blocks = [.. database.Blocks(BlockRows).Select(block => new Block(block.Start, block.Rows.to(Device)))];
    }

    /// <summary>Rows N of the database.</summary>
    public long Count { get; }

    /// <summary>Rows of the database that this process has.</summary>
    public long OwnCount => _blocks.Sum(block => block.Count);

    /// <summary>Where the search is computed.</summary>
    public Device Device { get; }

    /// <summary>Queries that are searched for at once.</summary>
    public int QueryRows => (int)Math.Clamp(_blockBytes / (sizeof(float) * FewestRows), 1, MostQueries);

    /// <summary>Rows of the database in a block, whatever the number of queries.</summary>
    private long BlockRows => Math.Max(FewestRows, _blockBytes / (sizeof(float) * QueryRows));

    /// <summary>Query features as chunks of at most <see cref="QueryRows"/> rows of length 1, on this index's device.</summary>
    /// <param name="queries">float32 // [M, D]</param>
    /// <returns>// tensors [m, D], in order</returns>
    /// <exception cref="EvaluationException">The features are not a matrix of D columns of finite numbers.</exception>
    public Tensor[] Chunks(Tensor queries)
    {
        using var scope = NewDisposeScope();
        return [.. Unit(queries).split(QueryRows).Select(chunk => chunk.MoveToOuterDisposeScope())];
    }

    /// <summary>The same of queries that the processes share: each of them gets all chunks, one at a time.</summary>
    /// <returns>// tensors [m, D], in order, the caller's to dispose</returns>
    /// <exception cref="EvaluationException">The features are not of D columns of finite numbers.</exception>
    public IEnumerable<Tensor> Chunks(SharedRows queries)
    {
        for (long start = 0; start < queries.Count; start += QueryRows)
        {
            using var rows = queries.Rows(start, Math.Min(QueryRows, queries.Count - start)).DetachFromDisposeScope();
            yield return Unit(rows).DetachFromDisposeScope();
        }
    }

    private Tensor Unit(Tensor queries)
    {
        if (queries.dim() == 2 && queries.size(1) != _dim)
        {
            throw new EvaluationException($"features of length {queries.size(1)} cannot be compared with features of length "
                + $"{_dim}: use one backbone for both");
        }

        using var scope = NewDisposeScope();
        var rows = Matrix(queries.to(Device), "queries");
        return rows.mul(RowScales.Of(rows, "queries").unsqueeze(1)).MoveToOuterDisposeScope(); // [M, D]
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
        if (_group.Size > 1)
        {
            (similarities, rows) = Merged(similarities, rows);
        }

        return (similarities.MoveToOuterDisposeScope(), rows.MoveToOuterDisposeScope());
    }

    /// <summary>All rows of the database, nearest first, of equally near ones the lower row.</summary>
    /// <param name="query">a row of length 1 // [1, D]</param>
    /// <returns>// N rows</returns>
    public int[] Ranking(Tensor query)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var own = cat([zeros(0, device: Device), .. _blocks.Select(block => block.Products(query)[0].mul_(block.Scales))]); // [n]
        var similarities = _group.Size == 1 ? own : Joined(own.cpu()); // [N]
        var order = similarities.sort(0, descending: true, stable: true).Indices; // [N]
        return order.to(ScalarType.Int32).cpu().data<int>().ToArray();
    }

    public void Dispose()
    {
        foreach (var block in _blocks)
        {
            block.Dispose();
        }
    }

    /// <summary>The nearest of all that the ranks found.</summary>
    private (Tensor Similarities, Tensor Rows) Merged(Tensor similarities, Tensor rows)
    {
        int count = (int)rows.size(0), k = (int)rows.size(1);
        using var allSimilarities = _group.Gather(similarities.cpu());
        using var allRows = _group.Gather(rows.cpu()); // [ranks m, k]
        NearestRows merged = new(count, k);
        long[] found = allRows.data<long>().ToArray();
        for (int rank = 0; rank < _group.Size; rank++)
        {
            merged.Add(RowScales.Floats(allSimilarities).Slice(rank * count * k, count * k), found.AsSpan(rank * count * k, count * k));
        }

        return (tensor(merged.Similarities, count, k, device: Device), tensor(merged.Rows, count, k, device: Device));
    }

    /// <summary>What each rank has of a value a row, in the order of the database.</summary>
    /// <param name="own">of this rank's rows // [n]</param>
    /// <returns>// [N]</returns>
    private Tensor Joined(Tensor own)
    {
        long[] counts = _group.Gather(tensor(new[] { own.size(0) })).data<long>().ToArray();
        long most = counts.Max();
        var all = _group.Gather(cat([own, zeros(most - own.size(0))])).view(_group.Size, most);
        return cat([.. counts.Select((count, rank) => all[rank].narrow(0, 0, count))]);
    }

    private (Tensor Similarities, Tensor Rows) NearestHere(Tensor queries, int k, long[] excluded)
    {
        int count = (int)queries.size(0);
        NearestRows nearest = new(count, k);
        var threads = new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() };
        foreach (var block in _blocks)
        {
            using var scope = NewDisposeScope();
            var products = block.Products(queries); // [m, n]
            int parts = Math.Min(threads.MaxDegreeOfParallelism, count);
            Parallel.For(0, parts, threads, part =>
            {
                ReadOnlySpan<float> product = RowScales.Floats(products), scale = RowScales.Floats(block.Scales);
                int length = scale.Length;
                for (int query = part * count / parts; query < (part + 1) * count / parts; query++)
                {
                    nearest.Scan(query, product.Slice(query * length, length), scale, block.Start, excluded.Length > 0 ? excluded[query] : -1);
                }
            });
        }

        return (tensor(nearest.Similarities, count, k), tensor(nearest.Rows, count, k));
    }

    private (Tensor Similarities, Tensor Rows) NearestThere(Tensor queries, int k, ReadOnlySpan<long> excluded)
    {
        var own = excluded.Length > 0 ? tensor(excluded.ToArray(), ScalarType.Int64, Device).unsqueeze(1) : null; // [m, 1]
        Tensor? best = null, rows = null;
        foreach (var block in _blocks)
        {
            using var scope = NewDisposeScope();
            var similarities = block.Products(queries).mul_(block.Scales); // [m, n]
            var numbers = arange(block.Start, block.Start + block.Count, ScalarType.Int64, Device); // [n]
            if (own is not null)
            {
                similarities.masked_fill_(own.eq(numbers), double.NegativeInfinity);
            }

            var (values, places) = similarities.topk((int)Math.Min(k, block.Count), 1, largest: true, sorted: true); // [m, <= k]
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

        return (Filled(best, double.NegativeInfinity, ScalarType.Float32), Filled(rows, 0, ScalarType.Int64));

        // A share may have fewer rows than are asked for, or none.
        Tensor Filled(Tensor? found, double value, ScalarType type)
        {
            using var rest = full([queries.size(0), k - (found?.size(1) ?? 0)], value, type, Device);
            return found is null ? rest.alias() : cat([found, rest], 1); // [m, k]
        }
    }

    private static Tensor Matrix(Tensor features, string what) => features.dim() == 2
        ? features.to(ScalarType.Float32).contiguous()
        : throw new EvaluationException($"the {what} must be a matrix of features, not of shape [{string.Join(", ", features.shape)}]");

    /// <summary>Some rows of the database that follow one another.</summary>
    private sealed class Block : IDisposable
    {
        public Block(long start, Tensor rows)
        {
            Start = start;
            Scales = RowScales.Of(rows, "database").DetachFromDisposeScope();
            Rows = rows.alias().DetachFromDisposeScope();
        }

        /// <summary>The first of them.</summary>
        public long Start { get; }

        public Tensor Rows { get; } // [n, D]

        /// <summary>1 over the rows' lengths.</summary>
        public Tensor Scales { get; } // [n]

        public long Count => Rows.size(0);

        /// <summary>
        /// Products of queries with the rows. A single query would go to a routine whose sums may depend on where in memory the rows begin
        /// (MKL's product of a matrix and a vector), which is another place in each process: two rows go where all others do.
        /// </summary>
        /// <returns>// [m, n]</returns>
        public Tensor Products(Tensor queries) => queries.size(0) == 1
            ? cat([queries, queries]).matmul(Rows.t()).narrow(0, 0, 1)
            : queries.matmul(Rows.t());

        public void Dispose()
        {
            Rows.Dispose();
            Scales.Dispose();
        }
    }
}
