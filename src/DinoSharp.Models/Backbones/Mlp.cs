using DinoSharp.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>A block's MLP: linear, GELU (exact), linear.</summary>
internal sealed class Mlp : nn.Module
{
    [ComponentName(Name = "fc1")]
    private readonly LinearLayer _expand;
    [ComponentName(Name = "fc2")]
    private readonly LinearLayer _contract;

    public Mlp(int dim, int hiddenDim)
        : base(nameof(Mlp))
    {
        _expand = Initialization.Layer(dim, hiddenDim);
        _contract = Initialization.Layer(hiddenDim, dim);
        RegisterComponents();
    }

    /// <summary>From D to the hidden dimensions.</summary>
    public LinearLayer Expand => _expand;

    /// <summary>From the hidden dimensions to D.</summary>
    public LinearLayer Contract => _contract;

    /// <param name="tokens">// [T, D]</param>
    /// <returns>// [T, D]</returns>
    public Tensor Forward(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        return _contract.forward(nn.functional.gelu(_expand.forward(tokens))).MoveToOuterDisposeScope();
    }
}
