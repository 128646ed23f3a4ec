using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>
/// One layer of class attention (CaiT, arXiv 2103.17239, section 3) as the code of XCiT has it: class attention, a norm of all tokens, an MLP of
/// the class token. The patches are not left as they are: their part of both residual sums is what was normed, so that a patch x becomes
/// 2 norm2(x + γ₁ norm1(x)).
/// </summary>
internal sealed class XcitClassBlock : nn.Module
{
    [ComponentName(Name = "gamma1")]
    private readonly Parameter _attentionScale;
    [ComponentName(Name = "gamma2")]
    private readonly Parameter _mlpScale;
    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _attentionNorm;
    [ComponentName(Name = "attn")]
    private readonly ClassAttention _attention;
    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _mlpNorm;
    [ComponentName(Name = "mlp")]
    private readonly Mlp _mlp;

    public XcitClassBlock(XcitOptions options)
        : base(nameof(XcitClassBlock))
    {
        int dim = options.EmbedDim;
        _attentionScale = new Parameter(full(dim, options.LayerScale));
        _mlpScale = new Parameter(full(dim, options.LayerScale));
        _attentionNorm = nn.LayerNorm(dim, Xcit.NormEpsilon);
        _attention = new ClassAttention(dim, options.Heads);
        _mlpNorm = nn.LayerNorm(dim, Xcit.NormEpsilon);
        _mlp = new Mlp(dim, XcitOptions.MlpRatio * dim);
        RegisterComponents();
    }

    /// <param name="tokens">class token first // [B, N+1, D]</param>
    /// <returns>// [B, N+1, D]</returns>
    public Tensor Forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var normed = _attentionNorm.forward(tokens);
        var patches = tokens.narrow(1, 1, tokens.size(1) - 1) + _attentionScale * normed.narrow(1, 1, tokens.size(1) - 1); // [B, N, D]
        var classTokens = ClassTokens(tokens, normed).unsqueeze(1); // [B, 1, D]
        return cat([classTokens, 2 * _mlpNorm.forward(patches)], 1).MoveToOuterDisposeScope();
    }

    /// <summary>The class tokens that <see cref="Forward"/> would give, without computing the rest.</summary>
    /// <param name="tokens">class token first // [B, N+1, D]</param>
    /// <returns>// [B, D]</returns>
    public Tensor ForwardClassTokens(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        return ClassTokens(tokens, _attentionNorm.forward(tokens)).MoveToOuterDisposeScope();
    }

    private Tensor ClassTokens(Tensor tokens, Tensor normed)
    {
        var attended = _mlpNorm.forward(tokens.select(1, 0) + _attentionScale * _attention.Forward(normed)); // [B, D]
        return attended + _mlpScale * _mlp.Forward(attended);
    }
}
