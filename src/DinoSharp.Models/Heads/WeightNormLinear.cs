using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Heads;

/// <summary>A linear layer without bias whose rows are magnitude times direction: w = g · v / ‖v‖ (arXiv 1602.07868, equation 2).</summary>
internal sealed class WeightNormLinear : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight_g")]
    private readonly Parameter _magnitude; // [out, 1]
    [ComponentName(Name = "weight_v")]
    private readonly Parameter _direction; // [out, in]

    public WeightNormLinear(int inputDim, int outputDim, bool freezeMagnitude)
        : base(nameof(WeightNormLinear))
    {
        var direction = empty(outputDim, inputDim);
        nn.init.kaiming_uniform_(direction, a: Math.Sqrt(5)); // the default of a linear layer
        _direction = new Parameter(direction);
        _magnitude = new Parameter(ones(outputDim, 1), requires_grad: !freezeMagnitude);
        RegisterComponents();
    }

    /// <param name="input">// [B, in]</param>
    /// <returns>// [B, out]</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var scale = _magnitude / _direction.norm(1, keepdim: true, p: 2); // [out, 1]
        // The outputs are scaled, not the weights: of K = 65,536 there are fewer outputs in a batch than weights.
        return (nn.functional.linear(input, _direction) * scale.t()).MoveToOuterDisposeScope();
    }
}
