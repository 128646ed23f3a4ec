using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Layers;

/// <summary>
/// Mixed precision (arXiv 1710.03740) by layer. Parameters are float32, always. While a lower precision is in use, the linear layers, convolutions
/// and attention of backbones round their factors to it, multiply, and give a result of it; autograd knows the gradient of the rounding, so that
/// a parameter's gradient is float32 again. The rest follows from torch's rules of mixed types: what is added to a float32 number or scaled by a
/// float32 parameter is float32, and norms keep their statistics and parameters in float32. A backbone gives float32 features, and heads, prototypes
/// and losses are computed in float32: they are a small part of the work, and small differences between features are what many of them learn from.
/// </summary>
public static class MixedPrecision
{
    // Dispose scopes and the trainer belong to a thread; so does this.
    [ThreadStatic]
    private static Precision _inUse;

    /// <summary>What the layers multiply in on this thread.</summary>
    public static Precision InUse => _inUse;

    /// <summary>Has the layers multiply in a precision, on this thread, until what is returned is disposed.</summary>
    public static IDisposable Use(Precision precision)
    {
        var earlier = new Earlier(_inUse);
        _inUse = precision;
        return earlier;
    }

    /// <summary>x Wᵀ + b in the precision in use.</summary>
    /// <param name="input">// [..., in]</param>
    /// <param name="weight">// [out, in]</param>
    /// <param name="bias">may be null // [out]</param>
    /// <returns>// [..., out]</returns>
    internal static Tensor Linear(Tensor input, Tensor weight, Tensor? bias) =>
        TiledLinear.IsFaster(input, weight) ? TiledLinear.Of(input, weight, bias)
            : _inUse == Precision.Float32 && OneDnnLinear.Suits(input) ? OneDnnLinear.Of(input, weight, bias)
            : nn.functional.linear(Round(input), Round(weight), bias is null ? null : Round(bias));

    /// <summary>The product of matrices in the precision in use.</summary>
    /// <param name="left">// [..., M, K]</param>
    /// <param name="right">// [..., K, N]</param>
    /// <returns>// [..., M, N]</returns>
    internal static Tensor Product(Tensor left, Tensor right) => Round(left).matmul(Round(right));

    /// <summary>A factor of a product, in the precision in use.</summary>
    internal static Tensor Round(Tensor factor) => _inUse switch
    {
        Precision.Bf16 => factor.to(ScalarType.BFloat16),
        Precision.Fp16 => factor.to(ScalarType.Float16),
        _ => factor,
    };

    private sealed class Earlier(Precision precision) : IDisposable
    {
        public void Dispose() => _inUse = precision;
    }
}
