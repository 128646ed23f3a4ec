using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Layers;

/// <summary>
/// x Wᵀ + b in float32 on the CPU, where oneDNN multiplies. The bias is added to the finished product, in place: handed to torch along with it, it is
/// first spread over all rows. Products are a fifth faster where neither factor is transposed, so a weight [out, in] is laid out anew where no
/// gradient wants it as it lies: a teacher's, or in an evaluation.
/// </summary>
internal static class OneDnnLinear
{
    /// <summary>From so many rows on the faster product is worth laying out the weight.</summary>
    private const long FewestRows = 1024;

    /// <summary>Whether oneDNN multiplies this.</summary>
    public static bool Suits(Tensor input) =>
        MatrixKernels.OneDnnInUse && input.device_type == DeviceType.CPU && input.dtype == ScalarType.Float32;

    /// <param name="input">// [..., in]</param>
    /// <param name="weight">// [out, in]</param>
    /// <param name="bias">// [out]</param>
    /// <returns>// [..., out]</returns>
    public static Tensor Of(Tensor input, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        bool manyRows = input.numel() / input.size(-1) >= FewestRows;
        var product = input.matmul(manyRows && !is_grad_enabled() ? weight.t().contiguous() : weight.t());
        return (bias is null ? product : product.add_(bias)).MoveToOuterDisposeScope();
    }
}
