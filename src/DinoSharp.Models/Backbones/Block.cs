using DinoSharp.Models.Layers;
using DinoSharp.Models.Products;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>One pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)), each branch under stochastic depth.</summary>
internal sealed class Block : nn.Module
{
    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _norm1;
    [ComponentName(Name = "attn")]
    private readonly SelfAttention _attention;
    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _norm2;
    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    private readonly StochasticDepth _depth;

    public Block(VisionTransformerOptions options, double dropPath)
        : base(nameof(Block))
    {
        _norm1 = nn.LayerNorm(options.EmbedDim, VisionTransformer.NormEpsilon);
        _attention = new SelfAttention(options.EmbedDim, options.Heads);
        _norm2 = nn.LayerNorm(options.EmbedDim, VisionTransformer.NormEpsilon);
        _mlp = new Mlp(options.EmbedDim, (int)(options.EmbedDim * options.MlpRatio));
        _depth = new StochasticDepth(dropPath);
        RegisterComponents();
    }

    /// <param name="tokens">// [T, D]</param>
    /// <param name="layout">where the images lie</param>
    /// <param name="recompute">whether the backward pass computes this again</param>
    /// <returns>// [T, D]</returns>
    public Tensor Forward(Tensor tokens, TokenLayout layout, bool recompute = false)
    {
        using var scope = NewDisposeScope();
        return ActivationCheckpoint.Run(recompute, this, Compute, tokens, DrawPaths(layout, tokens.device)).MoveToOuterDisposeScope();

        Tensor Compute(Tensor tokens, IReadOnlyList<Tensor> kept)
        {
            using var scope = NewDisposeScope();
            return (TiledLinear.Suits(tokens, _mlp.Expand.Weight) ? ForwardFused(tokens, layout, kept) : ForwardPlain(tokens, layout, kept))
                .MoveToOuterDisposeScope();
        }
    }

    /// <summary>The class tokens that <see cref="Forward"/> would give, without computing the rest: the same value for less work.</summary>
    /// <param name="tokens">// [T, D]</param>
    /// <param name="layout">where the images lie</param>
    /// <param name="recompute">whether the backward pass computes this again</param>
    /// <returns>// [ΣB, D]</returns>
    public Tensor ForwardClassTokens(Tensor tokens, TokenLayout layout, bool recompute = false)
    {
        using var scope = NewDisposeScope();
        return ActivationCheckpoint.Run(recompute, this, Compute, tokens, DrawPaths(layout, tokens.device)).MoveToOuterDisposeScope();

        Tensor Compute(Tensor tokens, IReadOnlyList<Tensor> kept)
        {
            using var scope = NewDisposeScope();
            var attended = _attention.ForwardClassTokens(_norm1.forward(tokens), layout); // [ΣB, D]
            var mixed = layout.ClassTokens(tokens) + DropPath(attended, kept, 0);
            return (mixed + DropPath(_mlp.Forward(_norm2.forward(mixed)), kept, 1)).MoveToOuterDisposeScope();
        }
    }

    /// <summary>The attention weights of this block.</summary>
    /// <param name="tokens">// [B, N+1, D]</param>
    /// <returns>// [B, heads, N+1, N+1]</returns>
    public Tensor AttentionWeights(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        return _attention.Weights(_norm1.forward(tokens)).MoveToOuterDisposeScope();
    }

    /// <summary>The class token's rows of <see cref="AttentionWeights"/>.</summary>
    /// <param name="tokens">// [B, N+1, D]</param>
    /// <returns>// [B, heads, N+1]</returns>
    public Tensor ClassTokenAttention(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        return _attention.ClassTokenWeights(_norm1.forward(tokens)).MoveToOuterDisposeScope();
    }

    private Tensor ForwardPlain(Tensor tokens, TokenLayout layout, IReadOnlyList<Tensor> kept)
    {
        var mixed = tokens + DropPath(_attention.Forward(_norm1.forward(tokens), layout), kept, 0, layout);
        return mixed + DropPath(_mlp.Forward(_norm2.forward(mixed)), kept, 1, layout);
    }

    /// <summary>The same in fewer passes over memory, without computing what is dropped.</summary>
    private Tensor ForwardFused(Tensor tokens, TokenLayout layout, IReadOnlyList<Tensor> kept)
    {
        KeptRows?[] rows = kept.Count == 0 ? [null, null] : [.. kept.Select(scales => KeptRows.Of(scales, layout))];
        if (rows.Any(branch => branch?.Count < ProductTile.Rows))
        {
            Array.ForEach(rows, branch => branch?.Dispose());
            return ForwardPlain(tokens, layout, kept);
        }

        var queriesKeysValues = NormedLinear.Of(tokens, _norm1, _attention.QueryKeyValue, rows[0]?.Shared());
        var attended = _attention.Mix(queriesKeysValues, rows[0]?.Layout ?? layout);
        var mixed = ResidualLinear.Of(tokens, attended, _attention.Projection, rows[0]);
        return MlpBranch.Of(mixed, _norm2, _mlp, rows[1]);
    }

    /// <summary>Drawn before the block is computed, so that it drops the same where it is computed again.</summary>
    /// <returns>for each of the two branches // [ΣB, 1]; nothing where none is dropped</returns>
    private Tensor[] DrawPaths(TokenLayout layout, Device device)
    {
        long images = layout.ImageRows.Sum();
        return _depth.Drops ? [_depth.Draw(images, device), _depth.Draw(images, device)] : [];
    }

    /// <param name="branch">// [T, D], or [ΣB, D] without a layout</param>
    /// <param name="kept">of all branches</param>
    /// <param name="index">of this branch</param>
    /// <param name="layout">where the images' tokens lie; null if there is one an image</param>
    private static Tensor DropPath(Tensor branch, IReadOnlyList<Tensor> kept, int index, TokenLayout? layout = null) =>
        kept.Count == 0 ? branch : branch * (layout is null ? kept[index] : layout.RepeatForTokens(kept[index]));
}
