using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace DinoSharp.Models.Products;

/// <summary>
/// softmax(q kᵀ / √d) v of all heads of all images. Queries, keys and values are read where the linear layer left them. Keys pass in blocks, and
/// a softmax goes on from block to block (FlashAttention, arXiv 2205.14135, algorithm 1), so that products of queries and keys never leave the second cache.
/// </summary>
internal static unsafe class AttentionForward
{
    /// <summary>So many queries share a layout of the keys.</summary>
    private const int MostQueries = 8 * AttentionPart.QueriesAtOnce;

    /// <param name="queriesKeysValues">contiguous // [T, 3D]</param>
    /// <param name="groups">of images with the same number of tokens</param>
    /// <param name="heads">D / heads is a multiple of 32</param>
    /// <returns>what the heads find, and the logarithm of each softmax's divisor // [T, D], [T, heads]</returns>
    public static (Tensor Output, Tensor LogSums) Of(Tensor queriesKeysValues, IEnumerable<(long Images, long Tokens)> groups, int heads)
    {
        var (output, logSums) = (empty(queriesKeysValues.size(0), queriesKeysValues.size(1) / 3), empty(queriesKeysValues.size(0), heads));
        var job = AttentionJob.Of(queriesKeysValues, output, logSums);
        job.Run(groups, MostQueries, Scratch.Length(job.HeadDim), &Compute);
        return (output, logSums);
    }

    private static void Compute(void* state, int index, int thread)
    {
        var job = (AttentionJob*)state;
        var part = job->Parts[index];
        nint dim = job->HeadDim, next = 3 * job->Dim;
        var scratch = new Scratch(job->Memory + thread * Scratch.Length(dim), dim);
        float* given = job->Given + part.Row * next + part.Head * dim;
        HeadRows.Copy(given + part.FirstQuery * next, next, part.Queries, dim, 1 / MathF.Sqrt(dim), scratch.Queries);
        new Span<float>(scratch.Most, (int)part.Queries).Fill(float.NegativeInfinity);
        new Span<float>(scratch.Sums, (int)part.Queries).Clear();
        for (nint key = 0; key < part.Tokens; key += AttentionPart.Keys)
        {
            nint keys = nint.Min(AttentionPart.Keys, part.Tokens - key);
            float* block = given + key * next + job->Dim;
            PanelLayout.Transposed(block, next, keys, dim, scratch.Keys);
            PanelLayout.Plain(block + job->Dim, next, keys, dim, scratch.Values);
            for (nint query = 0; query < part.Queries; query += AttentionPart.QueriesAtOnce)
            {
                nint queries = nint.Min(AttentionPart.QueriesAtOnce, part.Queries - query);
                HeadRows.Multiply(scratch.Queries + query * dim, queries, dim, scratch.Keys, keys, scratch.Weights);
                for (nint q = 0; q < queries; q++)
                {
                    Weigh(scratch, query + q, scratch.Weights + q * AttentionPart.Keys, keys, dim, first: key == 0);
                }

                AddValues(scratch, query, queries, keys, dim, first: key == 0);
            }
        }

        for (nint q = 0; q < part.Queries; q++)
        {
            nint row = part.Row + part.FirstQuery + q;
            RowSum.Scaled(scratch.Found + q * dim, 1 / scratch.Sums[q], dim, job->Output + row * job->Dim + part.Head * dim);
            job->LogSums[row * job->Heads + part.Head] = scratch.Most[q] + MathF.Log(scratch.Sums[q]);
        }
    }

    /// <summary>Puts exp(s - m) in the place of a query's products s, m being the largest that it has met; what was summed before is made to fit a new m.</summary>
    private static void Weigh(Scratch scratch, nint query, float* products, nint keys, nint dim, bool first)
    {
        nint whole = (keys + ProductTile.Lanes - 1) & -ProductTile.Lanes;
        new Span<float>(products + keys, (int)(whole - keys)).Fill(float.NegativeInfinity);
        var most = Vector512.Create(scratch.Most[query]);
        for (nint i = 0; i < whole; i += ProductTile.Lanes)
        {
            most = Avx512F.Max(most, Vector512.Load(products + i));
        }

        float largest = Largest(most);
        var sum = Vector512<float>.Zero;
        for (nint i = 0; i < whole; i += ProductTile.Lanes)
        {
            var weight = Exponential.Of(Vector512.Load(products + i) - Vector512.Create(largest));
            weight.Store(products + i);
            sum += weight;
        }

        float factor = MathF.Exp(scratch.Most[query] - largest); // 0 at first, and where the new largest is very much larger
        scratch.Sums[query] = scratch.Sums[query] * factor + Vector512.Sum(sum);
        scratch.Most[query] = largest;
        if (!first && factor < 1)
        {
            RowSum.Scaled(scratch.Found + query * dim, factor, dim, scratch.Found + query * dim);
        }
    }

    private static float Largest(Vector512<float> values)
    {
        var eight = Avx.Max(values.GetLower(), values.GetUpper());
        var four = Sse.Max(eight.GetLower(), eight.GetUpper());
        var two = Sse.Max(four, Sse.MoveHighToLow(four, four));
        return MathF.Max(two[0], two[1]);
    }

    private static void AddValues(Scratch scratch, nint query, nint queries, nint keys, nint dim, bool first)
    {
        for (nint column = 0; column < dim; column += ProductTile.Columns)
        {
            for (nint q = 0; q < queries; q += ProductTile.Rows)
            {
                ProductTile.Compute(
                    scratch.Weights + q * AttentionPart.Keys, AttentionPart.Keys, 1, scratch.Values + column * keys, keys, null,
                    scratch.Found + (query + q) * dim + column, dim, addToSums: !first);
            }
        }
    }

    /// <summary>A thread's memory.</summary>
    private readonly struct Scratch
    {
        public readonly float* Queries; // [MostQueries, d]
        public readonly float* Found; // Σ weights v [MostQueries, d]
        public readonly float* Keys; // [Keys / 32, d, 32]
        public readonly float* Values; // [d / 32, keys, 32]
        public readonly float* Weights; // [QueriesAtOnce, Keys]
        public readonly float* Most; // [MostQueries]
        public readonly float* Sums; // [MostQueries]
        private readonly float* _end;

        public Scratch(float* memory, nint dim)
        {
            Queries = memory;
            Found = Queries + MostQueries * dim;
            Keys = Found + MostQueries * dim;
            Values = Keys + AttentionPart.Keys * dim;
            Weights = Values + AttentionPart.Keys * dim;
            Most = Weights + AttentionPart.QueriesAtOnce * AttentionPart.Keys;
            Sums = Most + MostQueries;
            _end = Sums + MostQueries;
        }

        public static nint Length(nint dim) => (nint)new Scratch(null, dim)._end / sizeof(float);
    }
}
