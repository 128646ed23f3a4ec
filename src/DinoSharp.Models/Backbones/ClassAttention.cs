using DinoSharp.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>Attention in which the class token alone asks and all tokens, itself among them, answer (arXiv 2103.17239, section 3).</summary>
internal sealed class ClassAttention : nn.Module
{
    [ComponentName(Name = "qkv")]
    private readonly LinearLayer _qkv;
    [ComponentName(Name = "proj")]
    private readonly LinearLayer _projection;

    private readonly int _heads;

    public ClassAttention(int embedDim, int heads)
        : base(nameof(ClassAttention))
    {
        _heads = heads;
        _qkv = Initialization.Layer(embedDim, 3 * embedDim);
        _projection = Initialization.Layer(embedDim, embedDim);
        RegisterComponents();
    }

    /// <param name="tokens">class token first // [B, N+1, D]</param>
    /// <returns>what the class token becomes // [B, D]</returns>
    public Tensor Forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var (images, count, dim) = (tokens.size(0), tokens.size(1), tokens.size(2));
        long headDim = dim / _heads;
        var weights = _qkv.Weight.split([dim, 2 * dim]);
        var biases = _qkv.Bias.split([dim, 2 * dim]);
        var query = MixedPrecision.Linear(tokens.select(1, 0), weights[0], biases[0]).view(images, _heads, 1, headDim);
        var keyValue = MixedPrecision.Linear(tokens, weights[1], biases[1])
            .view(images, count, 2, _heads, headDim).permute(2, 0, 3, 1, 4); // [2, B, h, N+1, d]
        var attention = (query * (1 / Math.Sqrt(headDim))).matmul(keyValue[0].transpose(-2, -1)).softmax(-1); // [B, h, 1, N+1]
        return _projection.forward(attention.matmul(keyValue[1]).reshape(images, dim)).MoveToOuterDisposeScope();
    }
}
