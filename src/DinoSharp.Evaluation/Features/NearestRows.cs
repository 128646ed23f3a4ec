using System.Runtime.Intrinsics;

namespace DinoSharp.Evaluation.Features;

/// <summary>
/// The k most similar rows of a database for each of some queries, among the similarities shown so far. What is shown must come in the
/// order of the database: then of equal similarities the lower row stays, whatever the blocks.
/// </summary>
/// <remarks>
/// Nearly every similarity is below the k-th best so far, and a vector of them is passed over by one comparison. Queries are independent
/// of each other and may be scanned by several threads.
/// </remarks>
internal sealed unsafe class NearestRows
{
    private readonly int _k;

    /// <param name="queries">queries M</param>
    /// <param name="k">how many rows are kept for each, at least 1</param>
    public NearestRows(int queries, int k)
    {
        _k = k;
        Similarities = new float[checked(queries * k)];
        Rows = new long[Similarities.Length];
        Array.Fill(Similarities, float.NegativeInfinity);
    }

    /// <summary>The largest similarities, descending // [M, k]</summary>
    public float[] Similarities { get; }

    /// <summary>The rows of the database that they are of // [M, k]</summary>
    public long[] Rows { get; }

    /// <summary>Takes into account what a query has in common with a run of the database.</summary>
    /// <param name="query">which query</param>
    /// <param name="products">products of the query with rows of the database // [n]</param>
    /// <param name="scales">what makes a product a similarity // [n]</param>
    /// <param name="first">the run's first row in the database</param>
    /// <param name="excluded">a row that does not count; -1 for none</param>
    public void Scan(int query, ReadOnlySpan<float> products, ReadOnlySpan<float> scales, long first, long excluded = -1)
    {
        if (products.Length != scales.Length)
        {
            throw new ArgumentException($"{products.Length} products need as many scales, not {scales.Length}", nameof(scales));
        }

        Span<float> best = Similarities.AsSpan(query * _k, _k);
        Span<long> rows = Rows.AsSpan(query * _k, _k);
        int i = 0;
        fixed (float* product = products, scale = scales)
        {
            if (Vector512.IsHardwareAccelerated)
            {
                for (; i <= products.Length - Vector512<float>.Count; i += Vector512<float>.Count)
                {
                    Vector512<float> similarity = Vector512.Load(product + i) * Vector512.Load(scale + i);
                    Vector512<float> above = Vector512.GreaterThan(similarity, Vector512.Create(best[^1]));
                    if (above != Vector512<float>.Zero)
                    {
                        Enter(best, rows, product + i, scale + i, Vector512<float>.Count, first + i, excluded);
                    }
                }
            }
            else
            {
                for (; i <= products.Length - Vector256<float>.Count; i += Vector256<float>.Count)
                {
                    Vector256<float> similarity = Vector256.Load(product + i) * Vector256.Load(scale + i);
                    if (Vector256.GreaterThanAny(similarity, Vector256.Create(best[^1])))
                    {
                        Enter(best, rows, product + i, scale + i, Vector256<float>.Count, first + i, excluded);
                    }
                }
            }

            Enter(best, rows, product + i, scale + i, products.Length - i, first + i, excluded);
        }
    }

    /// <summary>Takes into account what was found in a share of the database; shares come in the order of the database, too.</summary>
    /// <param name="similarities">for each query descending, of equal ones the lower row first // [M, n]</param>
    /// <param name="rows">the rows of the share that they are of // [M, n]</param>
    /// <param name="first">the share's first row in the database, where rows are counted from there</param>
    public void Add(ReadOnlySpan<float> similarities, ReadOnlySpan<long> rows, long first = 0)
    {
        int queries = Rows.Length / _k, found = rows.Length / queries;
        for (int query = 0; query < queries; query++)
        {
            Span<float> best = Similarities.AsSpan(query * _k, _k);
            Span<long> bestRows = Rows.AsSpan(query * _k, _k);
            for (int i = query * found; i < (query + 1) * found && similarities[i] > best[^1]; i++)
            {
                Insert(best, bestRows, similarities[i], first + rows[i]);
            }
        }
    }

    private static void Enter(
        Span<float> best, Span<long> rows, float* products, float* scales, int count, long first, long excluded)
    {
        for (int i = 0; i < count; i++)
        {
            float similarity = products[i] * scales[i];
            if (similarity > best[^1] && first + i != excluded)
            {
                Insert(best, rows, similarity, first + i);
            }
        }
    }

    private static void Insert(Span<float> best, Span<long> rows, float similarity, long row)
    {
        int place = PlaceOf(similarity, best);
        best[place..^1].CopyTo(best[(place + 1)..]);
        rows[place..^1].CopyTo(rows[(place + 1)..]);
        (best[place], rows[place]) = (similarity, row);
    }

    /// <summary>Behind all that are as similar or more.</summary>
    private static int PlaceOf(float similarity, ReadOnlySpan<float> best)
    {
        int low = 0, high = best.Length - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = best[middle] >= similarity ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
