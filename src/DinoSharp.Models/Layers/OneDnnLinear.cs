using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Layers;

/// <summary>
/// x Wᵀ + b in float32 on the CPU, where oneDNN multiplies: what our own products (<see cref="TiledLinear"/>) leave to it. The bias is added to the
/// finished product, in place: handed to torch along with it, it is first spread over all rows.
/// </summary>
internal static class OneDnnLinear
{
    /// <summary>Whether oneDNN multiplies this.</summary>
    public static bool Suits(Tensor input) =>
        MatrixKernels.OneDnnInUse && input.device_type == DeviceType.CPU && input.dtype == ScalarType.Float32;

    /// <param name="input">// [..., in]</param>
    /// <param name="weight">// [out, in]</param>
    /// <param name="bias">may be null // [out]</param>
    /// <returns>// [..., out]</returns>
    public static Tensor Of(Tensor input, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var product = input.matmul(weight.t());
        return (bias is null ? product : product.add_(bias)).MoveToOuterDisposeScope();
    }
}
