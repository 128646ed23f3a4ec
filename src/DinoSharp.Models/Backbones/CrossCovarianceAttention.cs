using DinoSharp.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>
/// Attention between the channels of a head in place of its tokens (arXiv 2106.09681, section 3.2): softmax(τ q̂ k̂ᵀ) v, where a row of q, k
/// and v is a channel over all tokens, q̂ and k̂ have rows of length 1, and τ is learned, one a head. (The paper divides by its τ, its code
/// multiplies.) The cost grows with the tokens and not with their square.
/// </summary>
internal sealed class CrossCovarianceAttention : nn.Module
{
    [ComponentName(Name = "temperature")]
    private readonly Parameter _temperature;
    [ComponentName(Name = "qkv")]
    private readonly LinearLayer _qkv;
    [ComponentName(Name = "proj")]
    private readonly LinearLayer _projection;

    private readonly int _heads;

    public CrossCovarianceAttention(int embedDim, int heads)
        : base(nameof(CrossCovarianceAttention))
    {
        _heads = heads;
        _temperature = new Parameter(ones(heads, 1, 1));
        _qkv = Initialization.Layer(embedDim, 3 * embedDim);
        _projection = Initialization.Layer(embedDim, embedDim);
        RegisterComponents();
    }

    /// <param name="tokens">// [B, N, D]</param>
    /// <returns>// [B, N, D]</returns>
    public Tensor Forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var (images, count, dim) = (tokens.size(0), tokens.size(1), tokens.size(2));
        var qkv = _qkv.forward(tokens).view(images, count, 3, _heads, dim / _heads).permute(2, 0, 3, 4, 1); // [3, B, h, d, N]
        var query = nn.functional.normalize(qkv[0].to(float32), dim: -1);
        var key = nn.functional.normalize(qkv[1].to(float32), dim: -1);
        var weights = (MixedPrecision.Product(query, key.transpose(-2, -1)) * _temperature).softmax(-1); // [B, h, d, d]
        var mixed = MixedPrecision.Product(weights, qkv[2]); // [B, h, d, N]
        return _projection.forward(mixed.permute(0, 3, 1, 2).reshape(images, count, dim)).MoveToOuterDisposeScope();
    }
}
