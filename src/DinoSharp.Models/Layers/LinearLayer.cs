using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Layers;

/// <summary>A linear layer that multiplies in the precision in use (<see cref="MixedPrecision"/>). Names and starting values are PyTorch's.</summary>
public sealed class LinearLayer : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight; // [out, in]
    [ComponentName(Name = "bias")]
    private readonly Parameter _bias; // [out]

    /// <param name="inputDim">length of an input</param>
    /// <param name="outputDim">length of an output</param>
    public LinearLayer(long inputDim, long outputDim)
        : base(nameof(LinearLayer))
    {
        using var start = nn.Linear(inputDim, outputDim);
        _weight = new Parameter(start.weight!.detach().clone());
        _bias = new Parameter(start.bias!.detach().clone());
        RegisterComponents();
    }

    /// <summary>// [out, in]</summary>
    public Parameter Weight => _weight;

    /// <summary>// [out]</summary>
    public Parameter Bias => _bias;

    /// <param name="input">// [..., in]</param>
    /// <returns>// [..., out]</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return MixedPrecision.Linear(input, _weight, _bias).MoveToOuterDisposeScope();
    }
}
