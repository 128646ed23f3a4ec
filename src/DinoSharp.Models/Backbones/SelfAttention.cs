using DinoSharp.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>Multi-head self-attention over the tokens of each image; query, key and value come from one linear layer.</summary>
internal sealed class SelfAttention : nn.Module
{
    [ComponentName(Name = "qkv")]
    private readonly LinearLayer _qkv;
    [ComponentName(Name = "proj")]
    private readonly LinearLayer _projection;

    private const long MostWeightBytes = 512L << 20;

    private readonly int _heads;
    private readonly int _headDim;

    public SelfAttention(int embedDim, int heads)
        : base(nameof(SelfAttention))
    {
        _heads = heads;
        _headDim = embedDim / heads;
        _qkv = Initialization.Layer(embedDim, 3 * embedDim);
        _projection = Initialization.Layer(embedDim, embedDim);
        RegisterComponents();
    }

    /// <summary>Query, key and value of a token.</summary>
    public LinearLayer QueryKeyValue => _qkv;

    /// <summary>Of what the heads found.</summary>
    public LinearLayer Projection => _projection;

    private int EmbedDim => _heads * _headDim;

    /// <param name="tokens">// [T, D]</param>
    /// <returns>// [T, D]</returns>
    public Tensor Forward(Tensor tokens, TokenLayout layout)
    {
        using var scope = NewDisposeScope();
        return _projection.forward(Mix(_qkv.forward(tokens), layout)).MoveToOuterDisposeScope();
    }

    /// <summary>What the heads find: the values, mixed by how well each query fits each key.</summary>
    /// <param name="queriesKeysValues">// [T, 3D]</param>
    /// <returns>// [T, D]</returns>
    public Tensor Mix(Tensor queriesKeysValues, TokenLayout layout)
    {
        if (TiledAttention.Suits(queriesKeysValues, _headDim))
        {
            return TiledAttention.Of(queriesKeysValues, layout, _heads);
        }

        using var scope = NewDisposeScope();
        var groups = queriesKeysValues.split(layout.Rows); // [B_r (N_r+1), 3D]
        var attended = groups.Select((rows, r) =>
        {
            var (images, count) = layout.Groups[r];
            var qkv = Heads(rows, images, count, 3); // three of [B, h, N+1, d]
            var value = Attend(qkv[0], qkv[1], qkv[2]); // [B, h, N+1, d]
            return value.transpose(1, 2).reshape(images * count, EmbedDim);
        }).ToArray();
        return cat(attended).MoveToOuterDisposeScope();
    }

    /// <summary>Only the class token asks; all tokens answer.</summary>
    /// <param name="tokens">// [T, D]</param>
    /// <returns>// [ΣB, D]</returns>
    public Tensor ForwardClassTokens(Tensor tokens, TokenLayout layout)
    {
        using var scope = NewDisposeScope();
        var weights = _qkv.Weight.split([EmbedDim, 2 * EmbedDim]);
        var biases = _qkv.Bias.split([EmbedDim, 2 * EmbedDim]);
        var queries = MixedPrecision.Linear(layout.ClassTokens(tokens), weights[0], biases[0]).split(layout.ImageRows); // [B_r, D]
        var groups = MixedPrecision.Linear(tokens, weights[1], biases[1]).split(layout.Rows); // [B_r (N_r+1), 2D]
        var attended = groups.Select((rows, r) =>
        {
            var (images, count) = layout.Groups[r];
            var query = queries[r].view(images, 1, _heads, _headDim).transpose(1, 2); // [B, h, 1, d]
            var keyValue = Heads(rows, images, count, 2); // two of [B, h, N+1, d]
            var value = Attend(query, keyValue[0], keyValue[1]); // [B, h, 1, d]
            return value.reshape(images, EmbedDim);
        }).ToArray();
        return _projection.forward(cat(attended)).MoveToOuterDisposeScope();
    }

    /// <param name="tokens">// [B, N+1, D]</param>
    /// <returns>softmax of the scaled products // [B, heads, N+1, N+1]</returns>
    public Tensor Weights(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var qkv = Heads(_qkv.forward(tokens), tokens.size(0), tokens.size(1), 3);
        return Weights(qkv[0], qkv[1]).MoveToOuterDisposeScope();
    }

    /// <summary>The class token's rows of <see cref="Weights(Tensor)"/>, in memory that grows with the tokens and not with their square.</summary>
    /// <param name="tokens">// [B, N+1, D]</param>
    /// <returns>// [B, heads, N+1]</returns>
    public Tensor ClassTokenWeights(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var (images, count) = (tokens.size(0), tokens.size(1));
        var weights = _qkv.Weight.split([EmbedDim, EmbedDim, EmbedDim]);
        var biases = _qkv.Bias.split([EmbedDim, EmbedDim, EmbedDim]);
        var query = MixedPrecision.Linear(tokens.narrow(1, 0, 1), weights[0], biases[0]).view(images, 1, _heads, _headDim).transpose(1, 2);
        var keys = MixedPrecision.Linear(tokens, weights[1], biases[1]).view(images, count, _heads, _headDim).transpose(1, 2);
        return Weights(query, keys).squeeze(2).MoveToOuterDisposeScope();
    }

    /// <summary>softmax(q kᵀ / √d) v</summary>
    /// <param name="query">// [B, h, M, d]</param>
    /// <param name="key">// [B, h, N, d]</param>
    /// <param name="value">// [B, h, N, d]</param>
    /// <returns>// [B, h, M, d]</returns>
    private Tensor Attend(Tensor query, Tensor key, Tensor value)
    {
        // On the CPU torch's fused attention is many small products, for oneDNN slower than two large ones as long as memory has room.
        long weightBytes = query.size(0) * _heads * query.size(2) * key.size(2) * sizeof(float);
        return MultipliesAtLarge(query) && weightBytes <= MostWeightBytes
            ? Weights(query, key).matmul(value)
            : nn.functional.scaled_dot_product_attention(query, key, value);
    }

    private Tensor Weights(Tensor query, Tensor key) =>
        (query * (1 / Math.Sqrt(_headDim))).matmul(key.transpose(-2, -1)).softmax(-1); // [B, h, M, N]

    /// <param name="rows">// [B (N+1), parts D]</param>
    /// <returns>// parts tensors [B, heads, N+1, d]</returns>
    private Tensor[] Heads(Tensor rows, long images, long tokens, int parts)
    {
        var heads = rows.view(images, tokens, parts, _heads, _headDim);
        // Laid out once for all of oneDNN's products; torch's fused attention takes them as they lie.
        return MultipliesAtLarge(rows)
            ? heads.permute(2, 0, 3, 1, 4).contiguous().unbind(0)
            : [.. heads.unbind(2).Select(part => part.transpose(1, 2))];
    }

    private static bool MultipliesAtLarge(Tensor values) => MatrixKernels.OneDnnInUse && values.device_type == DeviceType.CPU;
}
