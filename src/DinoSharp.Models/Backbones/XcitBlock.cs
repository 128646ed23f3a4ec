using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>
/// One block of an XCiT (arXiv 2106.09681, figure 1): attention between channels, exchange with the neighbours, MLP; each a pre-norm residual
/// branch under layer scale and stochastic depth.
/// </summary>
internal sealed class XcitBlock : nn.Module
{
    [ComponentName(Name = "gamma1")]
    private readonly Parameter _attentionScale;
    [ComponentName(Name = "gamma2")]
    private readonly Parameter _mlpScale;
    [ComponentName(Name = "gamma3")]
    private readonly Parameter _localScale;
    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;
    [ComponentName(Name = "attn")]
    private readonly CrossCovarianceAttention _attention;
    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;
    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;
    [ComponentName(Name = "norm3")]
    private readonly LayerNorm _localNorm;
    [ComponentName(Name = "local_mp")]
    private readonly LocalPatchInteraction _local;

    private readonly StochasticDepth _depth;

    public XcitBlock(XcitOptions options)
        : base(nameof(XcitBlock))
    {
        int dim = options.EmbedDim;
        _attentionScale = new Parameter(full(dim, options.LayerScale));
        _mlpScale = new Parameter(full(dim, options.LayerScale));
        _localScale = new Parameter(full(dim, options.LayerScale));
        _attentionNorm = nn.LayerNorm(dim, Xcit.NormEpsilon);
        _attention = new CrossCovarianceAttention(dim, options.Heads);
        _mlpNorm = nn.LayerNorm(dim, Xcit.NormEpsilon);
        _mlp = new Mlp(dim, XcitOptions.MlpRatio * dim);
        _localNorm = nn.LayerNorm(dim, Xcit.NormEpsilon);
        _local = new LocalPatchInteraction(dim);
        _depth = new StochasticDepth(options.DropPathRate);
        RegisterComponents();
    }

    /// <param name="tokens">// [B, N, D]</param>
    /// <param name="height">rows of the grid the tokens lie on</param>
    /// <param name="width">columns of it; height · width = N</param>
    /// <param name="recompute">whether the backward pass computes this again</param>
    /// <returns>// [B, N, D]</returns>
    public Tensor Forward(Tensor tokens, long height, long width, bool recompute = false)
    {
        using var scope = NewDisposeScope();
        return ActivationCheckpoint.Run(recompute, this, Compute, tokens, DrawPaths(tokens)).MoveToOuterDisposeScope();

        Tensor Compute(Tensor tokens, IReadOnlyList<Tensor> kept)
        {
            using var scope = NewDisposeScope();
            tokens = tokens + DropPath(_attentionScale * _attention.Forward(_attentionNorm.forward(tokens)), kept, 0);
            tokens = tokens + DropPath(_localScale * _local.Forward(_localNorm.forward(tokens), height, width), kept, 1);
            return (tokens + DropPath(_mlpScale * _mlp.Forward(_mlpNorm.forward(tokens)), kept, 2)).MoveToOuterDisposeScope();
        }
    }

    /// <summary>Drawn before the block is computed, so that it drops the same where it is computed again.</summary>
    /// <returns>for each of the three branches // [B, 1, 1]; nothing where none is dropped</returns>
    private Tensor[] DrawPaths(Tensor tokens)
    {
        return _depth.Drops ? [Draw(), Draw(), Draw()] : [];

        Tensor Draw() => _depth.Draw(tokens.size(0), tokens.device).unsqueeze(2);
    }

    private static Tensor DropPath(Tensor branch, IReadOnlyList<Tensor> kept, int index) => kept.Count == 0 ? branch : branch * kept[index];
}
