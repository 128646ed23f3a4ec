using DinoSharp.Models.Gradients;
using DinoSharp.Models.Layers;
using DinoSharp.Models.Products;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>Attention in float32 on the CPU by our own products (<see cref="AttentionForward"/>, <see cref="AttentionBackward"/>).</summary>
internal static class TiledAttention
{
    /// <summary>Whether this is computed here.</summary>
    /// <param name="queriesKeysValues">// [T, 3D]</param>
    /// <param name="headDim">D / heads</param>
    public static bool Suits(Tensor queriesKeysValues, int headDim) =>
        MatrixKernels.TilesInUse && MixedPrecision.InUse == Precision.Float32
        && queriesKeysValues.device_type == DeviceType.CPU && queriesKeysValues.dtype == ScalarType.Float32 && headDim % ProductTile.Columns == 0;

    /// <param name="queriesKeysValues">// [T, 3D]</param>
    /// <param name="layout">where the images lie</param>
    /// <param name="heads">of the attention</param>
    /// <returns>// [T, D]</returns>
    public static Tensor Of(Tensor queriesKeysValues, TokenLayout layout, int heads)
    {
        using var scope = NewDisposeScope();
        var laid = queriesKeysValues.contiguous();
        return (Function.IsWanted(laid) ? Function.apply(laid, layout, heads) : AttentionForward.Of(laid, layout.Groups, heads).Output)
            .MoveToOuterDisposeScope();
    }

    private sealed class Function : ReleasingFunction<Function, Pass>
    {
        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (given, layout, heads) = ((Tensor)vars[0], (TokenLayout)vars[1], (int)vars[2]);
            var (output, logSums) = AttentionForward.Of(given, layout.Groups, heads);
            Save(ctx, new Pass(Keep(given), layout, Keep(output), logSums.DetachFromDisposeScope()));
            return output;
        }

        /// <param name="gradient">// [T, D]</param>
        protected override List<Tensor?> Backward(Pass saved, Tensor gradient) =>
            [AttentionBackward.Of(saved.Given, saved.Layout.Groups, saved.Output, saved.LogSums, gradient.contiguous()), null, null];
    }

    private sealed record Pass(Tensor Given, TokenLayout Layout, Tensor Output, Tensor LogSums) : IDisposable
    {
        public void Dispose()
        {
            Given.Dispose();
            Output.Dispose();
            LogSums.Dispose();
        }
    }
}
