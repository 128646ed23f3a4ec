using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>
/// Vision Transformer (arXiv 2010.11929) as DINO uses it: the feature is the class token after the last norm. Parameter names are
/// the reference's. Takes any image of at least one patch, also one that is not square.
/// </summary>
public sealed class VisionTransformer : Backbone, IFeatureMaps
{
    /// <summary>Epsilon of every layer norm.</summary>
    internal const double NormEpsilon = 1e-6;

    [ComponentName(Name = "cls_token")]
    private readonly Parameter _classToken;
    [ComponentName(Name = "pos_embed")]
    private readonly Parameter _positionEmbedding;
    [ComponentName(Name = "patch_embed")]
    private readonly PatchEmbedding _patchEmbedding;
    [ComponentName(Name = "blocks")]
    private readonly ModuleList<Block> _blocks;
    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    public VisionTransformer(VisionTransformerOptions options)
        : base(nameof(VisionTransformer), options.Validated().EmbedDim, options.InputChannels)
    {
        Options = options;
        _patchEmbedding = new PatchEmbedding(options.InputChannels, options.EmbedDim, options.PatchSize);
        _classToken = Initialization.Embedding(1, 1, options.EmbedDim);
        _positionEmbedding = Initialization.Embedding(1, options.GridSide * options.GridSide + 1, options.EmbedDim);
        // Stochastic depth grows linearly with depth; a single block has the first rate, 0.
        double dropStep = options.Depth > 1 ? options.DropPathRate / (options.Depth - 1) : 0;
        _blocks = nn.ModuleList([.. Enumerable.Range(0, options.Depth).Select(i => new Block(options, i * dropStep))]);
        _norm = nn.LayerNorm(options.EmbedDim, NormEpsilon);
        RegisterComponents();
    }

    /// <summary>The shape of this network.</summary>
    public VisionTransformerOptions Options { get; }

    public override int MinimumImageSide => Options.PatchSize;

    /// <inheritdoc/>
    public override Backbone CreateAlike(double dropPathRate = 0) => new VisionTransformer(Options with { DropPathRate = dropPathRate });

    /// <inheritdoc/>
    public override Tensor forward(Tensor images) => ForwardCrops([images]);

    /// <inheritdoc/>
    /// <remarks>All resolutions go through one packed token matrix; the last block computes only the class tokens.</remarks>
    public override Tensor ForwardCrops(IReadOnlyList<Tensor> crops)
    {
        using var scope = NewDisposeScope();
        var tokens = crops.Select(Embed).ToArray();
        var layout = new TokenLayout([.. tokens.Select(t => (t.size(0), t.size(1)))]);
        var packed = cat([.. tokens.Select(t => t.reshape(-1, FeatureDim))]); // [T, D]
        foreach (var block in _blocks.Take(_blocks.Count - 1))
        {
            packed = block.Forward(GradientMilestones.Before(block, packed), layout, CheckpointsActivations);
        }

        packed = GradientMilestones.Before(_blocks[^1], packed);
        return _norm.forward(_blocks[^1].ForwardClassTokens(packed, layout, CheckpointsActivations)).MoveToOuterDisposeScope(); // [ΣB, D]
    }

    /// <summary>The attention weights of the last block.</summary>
    /// <param name="images">// [B, C, H, W]</param>
    /// <returns>// [B, heads, N+1, N+1]</returns>
    public Tensor LastSelfAttention(Tensor images)
    {
        using var scope = NewDisposeScope();
        var tokens = Through(images, _blocks.Count - 1).Last();
        return _blocks[^1].AttentionWeights(tokens).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// What the class token of the last block attends to: its row of <see cref="LastSelfAttention"/>, without the memory for the others.
    /// </summary>
    /// <param name="images">// [B, C, H, W]</param>
    /// <returns>the class token's own weight first // [B, heads, N+1]</returns>
    public Tensor ClassTokenAttention(Tensor images)
    {
        using var scope = NewDisposeScope();
        var tokens = Through(images, _blocks.Count - 1).Last();
        return _blocks[^1].ClassTokenAttention(tokens).MoveToOuterDisposeScope();
    }

    /// <summary>The tokens after each of the last blocks, each through the last norm.</summary>
    /// <param name="images">// [B, C, H, W]</param>
    /// <param name="count">how many of the last blocks</param>
    /// <returns>first block first // count tensors [B, N+1, D]</returns>
    public Tensor[] IntermediateLayers(Tensor images, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _blocks.Count);
        using var scope = NewDisposeScope();
        return [.. Through(images, _blocks.Count).Skip(1).TakeLast(count).Select(t => _norm.forward(t).MoveToOuterDisposeScope())];
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> MapDims => [FeatureDim, FeatureDim];

    /// <inheritdoc/>
    public Tensor[] FeatureMaps(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (rows, columns) = (images.size(2) / Options.PatchSize, images.size(3) / Options.PatchSize);
        var stages = Through(images, _blocks.Count);
        int intermediate = Math.Max(1, _blocks.Count * 3 / 4);
        return
        [
            .. new[] { stages[intermediate], stages[^1] }.Select(tokens => _norm.forward(tokens.narrow(1, 1, rows * columns)) // [B, N, D]
                .transpose(1, 2)
                .unflatten(2, rows, columns)
                .MoveToOuterDisposeScope()),
        ];
    }

    /// <summary>The tokens before the first block and after each of the next ones.</summary>
    private List<Tensor> Through(Tensor images, int blocks)
    {
        var tokens = Embed(images);
        var (count, length) = (tokens.size(0), tokens.size(1));
        var layout = new TokenLayout([(count, length)]);
        var stages = new List<Tensor> { tokens };
        var packed = tokens.reshape(-1, FeatureDim);
        foreach (var block in _blocks.Take(blocks))
        {
            packed = block.Forward(packed, layout);
            stages.Add(packed.view(count, length, FeatureDim));
        }

        return stages;
    }

    /// <summary>Patch tokens with the class token before them and positions added.</summary>
    /// <param name="images">// [B, C, H, W]</param>
    /// <returns>// [B, N+1, D]</returns>
    private Tensor Embed(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (images.size(2), images.size(3));
        var patches = _patchEmbedding.Forward(images); // [B, N, D]
        var classTokens = _classToken.expand(images.size(0), -1, -1); // [B, 1, D]
        return (cat([classTokens, patches], 1) + FitPositions(height, width)).MoveToOuterDisposeScope();
    }

    /// <summary>The position embedding as it is added to the tokens of an image of this size.</summary>
    /// <returns>// [1, N+1, D]</returns>
    public Tensor FitPositions(long height, long width) =>
        PositionEmbedding.Fit(_positionEmbedding, height / Options.PatchSize, width / Options.PatchSize, height == width);
}
