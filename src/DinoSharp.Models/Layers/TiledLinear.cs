using DinoSharp.Models.Gradients;
using DinoSharp.Models.Products;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Layers;

/// <summary>x Wᵀ + b and its gradients in float32 on the CPU, by our own products (<see cref="RowProduct"/>, <see cref="WeightGradient"/>).</summary>
internal static class TiledLinear
{
    /// <summary>Of fewer rows the layout of the weight is too large a part.</summary>
    private const long FewestRows = 1024;

    /// <summary>Of narrower weights the layout of the rows is, unless a whole branch shares it.</summary>
    private const long Narrowest = 128;

    /// <summary>Whether our products can be used.</summary>
    /// <param name="input">// [..., in]</param>
    /// <param name="weight">// [out, in]</param>
    public static bool Suits(Tensor input, Tensor weight) =>
        MatrixKernels.TilesInUse && MixedPrecision.InUse == Precision.Float32
        && input.device_type == DeviceType.CPU && input.dtype == ScalarType.Float32 && weight.dtype == ScalarType.Float32
        && weight.size(0) % ProductTile.Columns == 0 && weight.size(1) % ProductTile.Columns == 0
        && input.numel() / weight.size(1) >= FewestRows;

    /// <summary>Whether a product by itself is faster here.</summary>
    /// <param name="input">// [..., in]</param>
    /// <param name="weight">// [out, in]</param>
    public static bool IsFaster(Tensor input, Tensor weight) => Suits(input, weight) && Math.Min(weight.size(0), weight.size(1)) >= Narrowest;

    /// <param name="input">// [..., in]</param>
    /// <param name="weight">// [out, in]</param>
    /// <param name="bias">may be null // [out]</param>
    /// <returns>// [..., out]</returns>
    public static Tensor Of(Tensor input, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var rows = input.reshape(-1, input.size(-1)).contiguous(); // [T, in]
        var output = Function.IsWanted(rows, weight, bias)
            ? Function.apply(rows, weight, bias!)
            : RowProduct.WithTransposed(rows, weight, bias); // [T, out]
        return output.view([.. input.shape[..^1], weight.size(0)]).MoveToOuterDisposeScope();
    }

    private sealed class Function : ReleasingFunction<Function, Factors>
    {
        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (input, weight, bias) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor?)vars[2]);
            Save(ctx, new Factors(Keep(input), Keep(weight), input.requires_grad, bias is not null));
            return RowProduct.WithTransposed(input, weight, bias);
        }

        /// <param name="gradient">// [T, out]</param>
        protected override List<Tensor?> Backward(Factors saved, Tensor gradient)
        {
            gradient = gradient.contiguous();
            var ofInput = saved.InputNeedsGradient ? RowProduct.With(gradient, saved.Weight) : null; // [T, in]
            var (ofWeight, ofBias) = WeightGradient.Of(gradient, saved.Input);
            return [ofInput, ofWeight, saved.HasBias ? ofBias : null];
        }
    }

    private sealed record Factors(Tensor Input, Tensor Weight, bool InputNeedsGradient, bool HasBias) : IDisposable
    {
        public void Dispose()
        {
            Input.Dispose();
            Weight.Dispose();
        }
    }
}
