using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Features;

/// <summary>Exact search for the rows of a database that are most alike to given rows, by cosine.</summary>
internal sealed class CosineIndex : IDisposable
{
    private readonly Tensor _database; // [N, D], rows of length 1

    /// <param name="database">float32 features, copied // [N, D]</param>
    /// <param name="similarityBytes">the most memory one chunk's similarities may take; a chunk has at least one row</param>
    /// <exception cref="EvaluationException">The features are not a matrix of finite numbers.</exception>
    public CosineIndex(Tensor database, long similarityBytes)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        _database = UnitRows(database, "database").DetachFromDisposeScope();
        ChunkRows = Math.Max(1, similarityBytes / (sizeof(float) * Math.Max(1, Count)));
    }

    /// <summary>Rows N of the database.</summary>
    public long Count => _database.size(0);

    /// <summary>Query rows that may be searched for at once.</summary>
    public long ChunkRows { get; }

    /// <summary>Where the search is computed.</summary>
    public Device Device => _database.device;

    /// <summary>Query features as chunks of at most <see cref="ChunkRows"/> rows of length 1, on this index's device.</summary>
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

        return UnitRows(queries.to(Device), "queries").split(ChunkRows);
    }

    /// <summary>The nearest rows of the database, nearest first.</summary>
    /// <param name="rows">rows of length 1 // [m, D]</param>
    /// <param name="k">how many, at most the database's rows</param>
    /// <param name="excluded">for each row one row of the database that does not count // int64 [m]</param>
    /// <returns>similarities and database rows // float32 [m, k], int64 [m, k]</returns>
    public (Tensor Similarities, Tensor Rows) Nearest(Tensor rows, long k, Tensor? excluded = null)
    {
        using var scope = NewDisposeScope();
        var similarities = rows.matmul(_database.t()); // [m, N]
        if (excluded is not null)
        {
            similarities.scatter_(1, excluded.unsqueeze(1), full_like(excluded.unsqueeze(1), double.NegativeInfinity, similarities.dtype));
        }

        var (values, indices) = similarities.topk((int)k, 1, largest: true, sorted: true);
        return (values.MoveToOuterDisposeScope(), indices.MoveToOuterDisposeScope());
    }

    public void Dispose() => _database.Dispose();

    private static Tensor UnitRows(Tensor features, string what)
    {
        if (features.dim() != 2)
        {
            throw new EvaluationException($"the {what} must be a matrix of features, not of shape [{string.Join(", ", features.shape)}]");
        }

        using var scope = NewDisposeScope();
        if (!features.isfinite().all().item<bool>())
        {
            throw new EvaluationException($"the {what} hold values that are not finite: the weights diverged or are not this backbone's");
        }

        return nn.functional.normalize(features, 2, 1).MoveToOuterDisposeScope();
    }
}
