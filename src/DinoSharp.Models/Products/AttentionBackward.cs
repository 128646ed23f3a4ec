using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace DinoSharp.Models.Products;

/// <summary>
/// The gradients of <see cref="AttentionForward"/>. Weights are computed again from the logarithms of the softmaxes' divisors (FlashAttention, arXiv
/// 2205.14135, algorithm 4): with p = exp(s - log Σ) and g the gradient of the output, v's is pᵀ g, that of s is p (g vᵀ - g · output), and q's and k's follow.
/// </summary>
internal static unsafe class AttentionBackward
{
    /// <param name="queriesKeysValues">contiguous // [T, 3D]</param>
    /// <param name="groups">of images with the same number of tokens</param>
    /// <param name="output">of the forward pass // [T, D]</param>
    /// <param name="logSums">of the forward pass // [T, heads]</param>
    /// <param name="gradient">of the output, contiguous // [T, D]</param>
    /// <returns>// [T, 3D]</returns>
    public static Tensor Of(Tensor queriesKeysValues, IEnumerable<(long Images, long Tokens)> groups, Tensor output, Tensor logSums, Tensor gradient)
    {
        var ofGiven = empty(queriesKeysValues.shape);
        var job = AttentionJob.Of(queriesKeysValues, output, logSums);
        job.Gradient = Floats.Of(gradient);
        job.OfGiven = Floats.Of(ofGiven);
        job.Run(groups, nint.MaxValue, Scratch.Length(job.HeadDim), &Compute);
        return ofGiven;
    }

    private static void Compute(void* state, int index, int thread)
    {
        var job = (AttentionJob*)state;
        var part = job->Parts[index];
        nint dim = job->HeadDim, next = 3 * job->Dim;
        var scratch = new Scratch(job->Memory + thread * Scratch.Length(dim), dim);
        for (nint key = 0; key < part.Tokens; key += AttentionPart.Keys)
        {
            nint keys = nint.Min(AttentionPart.Keys, part.Tokens - key), offset = (part.Row + key) * next + job->Dim + part.Head * dim;
            float* block = job->Given + offset;
            PanelLayout.Transposed(block, next, keys, dim, scratch.KeysAcross);
            PanelLayout.Plain(block, next, keys, dim, scratch.Keys);
            PanelLayout.Transposed(block + job->Dim, next, keys, dim, scratch.ValuesAcross);
            for (nint query = 0; query < part.Tokens; query += AttentionPart.QueriesAtOnce)
            {
                TakeQueries(job, scratch, part, query, nint.Min(AttentionPart.QueriesAtOnce, part.Tokens - query), keys, firstKeys: key == 0);
            }

            for (nint k = 0; k < keys; k++)
            {
                RowSum.Scaled(scratch.OfKeys + k * dim, 1, dim, job->OfGiven + offset + k * next);
                RowSum.Scaled(scratch.OfValues + k * dim, 1, dim, job->OfGiven + offset + job->Dim + k * next);
            }
        }
    }

    /// <summary>What some queries give to their own gradient and to those of a block's keys and values.</summary>
    private static void TakeQueries(AttentionJob* job, Scratch scratch, AttentionPart part, nint query, nint queries, nint keys, bool firstKeys)
    {
        const int width = AttentionPart.Keys;
        nint dim = job->HeadDim, row = part.Row + query, next = 3 * job->Dim;
        float scale = 1 / MathF.Sqrt(dim);
        float* gradient = job->Gradient + row * job->Dim + part.Head * dim, output = job->Output + row * job->Dim + part.Head * dim;
        HeadRows.Copy(job->Given + row * next + part.Head * dim, next, queries, dim, scale, scratch.Queries);
        HeadRows.Copy(gradient, job->Dim, queries, dim, 1, scratch.Gradient);
        PanelLayout.Plain(scratch.Queries, dim, queries, dim, scratch.QueryPanels);
        PanelLayout.Plain(scratch.Gradient, dim, queries, dim, scratch.GradientPanels);
        HeadRows.Multiply(scratch.Queries, queries, dim, scratch.KeysAcross, keys, scratch.Weights);
        HeadRows.Multiply(scratch.Gradient, queries, dim, scratch.ValuesAcross, keys, scratch.OfProducts);
        for (nint q = 0; q < queries; q++)
        {
            Weigh(
                scratch.Weights + q * width, scratch.OfProducts + q * width, keys, job->LogSums[(row + q) * job->Heads + part.Head],
                HeadRows.Dot(gradient + q * job->Dim, output + q * job->Dim, dim));
        }

        bool first = query == 0;
        for (nint column = 0; column < dim; column += ProductTile.Columns)
        {
            for (nint q = 0; q < queries; q += ProductTile.Rows)
            {
                ProductTile.Compute(
                    scratch.OfProducts + q * width, width, 1, scratch.Keys + column * keys, keys, null, scratch.OfQueries + q * dim + column, dim, addToSums: false);
            }

            for (nint k = 0; k < keys; k += ProductTile.Rows)
            {
                ProductTile.Compute(
                    scratch.OfProducts + k, 1, width, scratch.QueryPanels + column * queries, queries, null, scratch.OfKeys + k * dim + column, dim,
                    addToSums: !first);
                ProductTile.Compute(
                    scratch.Weights + k, 1, width, scratch.GradientPanels + column * queries, queries, null, scratch.OfValues + k * dim + column, dim,
                    addToSums: !first);
            }
        }

        for (nint q = 0; q < queries; q++)
        {
            float* ofQuery = job->OfGiven + (row + q) * next + part.Head * dim;
            if (firstKeys)
            {
                RowSum.Scaled(scratch.OfQueries + q * dim, scale, dim, ofQuery);
            }
            else
            {
                RowSum.Of(ofQuery, scratch.OfQueries + q * dim, scale, dim, ofQuery);
            }
        }
    }

    /// <summary>Puts a query's weights in the place of its products with keys, and the gradients of these products in the place of those of the weights.</summary>
    private static void Weigh(float* products, float* ofWeights, nint keys, float logSum, float mean)
    {
        for (nint i = 0; i < keys; i += ProductTile.Lanes)
        {
            var weight = Exponential.Of(Vector512.Load(products + i) - Vector512.Create(logSum));
            weight.Store(products + i);
            (weight * (Vector512.Load(ofWeights + i) - Vector512.Create(mean))).Store(ofWeights + i);
        }
    }

    /// <summary>A thread's memory. Of a block's keys: laid out both ways, values, and the gradients of both; of the queries: rows and panels.</summary>
    private readonly struct Scratch
    {
        public readonly float* KeysAcross; // [Keys / 32, d, 32]
        public readonly float* ValuesAcross; // [Keys / 32, d, 32]
        public readonly float* Keys; // [d / 32, keys, 32]
        public readonly float* OfKeys; // [Keys, d]
        public readonly float* OfValues; // [Keys, d]
        public readonly float* Queries; // [QueriesAtOnce, d]
        public readonly float* Gradient; // [QueriesAtOnce, d]
        public readonly float* QueryPanels; // [d / 32, queries, 32]
        public readonly float* GradientPanels; // [d / 32, queries, 32]
        public readonly float* OfQueries; // [QueriesAtOnce, d]
        public readonly float* Weights; // [QueriesAtOnce, Keys]
        public readonly float* OfProducts; // [QueriesAtOnce, Keys]
        private readonly float* _end;

        public Scratch(float* memory, nint dim)
        {
            nint ofKeys = AttentionPart.Keys * dim, ofQueries = AttentionPart.QueriesAtOnce * dim;
            KeysAcross = memory;
            ValuesAcross = KeysAcross + ofKeys;
            Keys = ValuesAcross + ofKeys;
            OfKeys = Keys + ofKeys;
            OfValues = OfKeys + ofKeys;
            Queries = OfValues + ofKeys;
            Gradient = Queries + ofQueries;
            QueryPanels = Gradient + ofQueries;
            GradientPanels = QueryPanels + ofQueries;
            OfQueries = GradientPanels + ofQueries;
            Weights = OfQueries + ofQueries;
            OfProducts = Weights + AttentionPart.QueriesAtOnce * AttentionPart.Keys;
            _end = OfProducts + AttentionPart.QueriesAtOnce * AttentionPart.Keys;
        }

        public static nint Length(nint dim) => (nint)new Scratch(null, dim)._end / sizeof(float);
    }
}
