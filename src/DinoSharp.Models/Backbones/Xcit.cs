using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>
/// Cross-covariance image transformer (XCiT, arXiv 2106.09681): blocks of attention between channels, then two layers in which the class
/// token attends to the patches; the feature is the class token after the last norm. Parameter names and values are those of its code, which
/// DINO's released weights have. Takes any image of at least one patch, also one that is not square. Only XCiT-Nano is not meant: its class
/// attention leaves the patches without a norm.
/// </summary>
public sealed class Xcit : Backbone
{
    /// <summary>Layers of class attention behind the blocks.</summary>
    public const int ClassLayers = 2;

    /// <summary>Epsilon of every layer norm.</summary>
    internal const double NormEpsilon = 1e-6;

    [ComponentName(Name = "cls_token")]
    private readonly Parameter _classToken;
    [ComponentName(Name = "patch_embed")]
    private readonly XcitPatchEmbedding _patchEmbedding;
    [ComponentName(Name = "blocks")]
    private readonly ModuleList<XcitBlock> _blocks;
    [ComponentName(Name = "cls_attn_blocks")]
    private readonly ModuleList<XcitClassBlock> _classBlocks;
    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;
    [ComponentName(Name = "pos_embeder")]
    private readonly FourierPositions _positions;

    public Xcit(XcitOptions options)
        : base(nameof(Xcit), options.Validated().EmbedDim, options.InputChannels)
    {
        Options = options;
        _classToken = Initialization.Embedding(1, 1, options.EmbedDim);
        _patchEmbedding = new XcitPatchEmbedding(options);
        _blocks = nn.ModuleList([.. Enumerable.Range(0, options.Depth).Select(_ => new XcitBlock(options))]);
        _classBlocks = nn.ModuleList([.. Enumerable.Range(0, ClassLayers).Select(_ => new XcitClassBlock(options))]);
        _norm = nn.LayerNorm(options.EmbedDim, NormEpsilon);
        _positions = new FourierPositions(options.EmbedDim);
        RegisterComponents();
    }

    /// <summary>The shape of this network.</summary>
    public XcitOptions Options { get; }

    public override int MinimumImageSide => Options.PatchSize;

    /// <inheritdoc/>
    public override Backbone CreateAlike(double dropPathRate = 0) => new Xcit(Options with { DropPathRate = dropPathRate });

    /// <inheritdoc/>
    /// <remarks>Crops of another size are another pass, as the batch norms take their statistics over one resolution.</remarks>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var maps = _patchEmbedding.Forward(ChannelsLast(images)); // [B, D, H', W']
        var (height, width) = (maps.size(2), maps.size(3));
        var tokens = maps.flatten(2).transpose(1, 2) + _positions.Forward(height, width); // [B, N, D]
        foreach (var block in _blocks)
        {
            tokens = block.Forward(GradientMilestones.Before(block, tokens), height, width, CheckpointsActivations);
        }

        tokens = cat([_classToken.expand(images.size(0), -1, -1), tokens], 1); // [B, N+1, D]
        foreach (var block in _classBlocks.Take(_classBlocks.Count - 1))
        {
            tokens = block.Forward(GradientMilestones.Before(block, tokens)); // keeps little: its MLP is of the class token alone
        }

        tokens = GradientMilestones.Before(_classBlocks[^1], tokens);
        return _norm.forward(_classBlocks[^1].ForwardClassTokens(tokens)).MoveToOuterDisposeScope(); // [B, D]
    }
}
