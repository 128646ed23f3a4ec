using DinoSharp.Models.Gradients;
using DinoSharp.Models.Layers;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>
/// Activation checkpointing (arXiv 1604.06174): of a block only its input is kept for the backward pass, which runs the block once more for
/// what it needs. Values and gradients are the same, and so is what the block remembers: running statistics move in the first pass only.
/// </summary>
internal static class ActivationCheckpoint
{
    /// <summary>What a block computes.</summary>
    /// <param name="input">gradients go there</param>
    /// <param name="constants">what else it reads and did not compute itself, such as what was drawn by chance</param>
    public delegate Tensor BlockFunction(Tensor input, IReadOnlyList<Tensor> constants);

    /// <summary>Runs a block, and keeps its inner activations unless they are to be computed again.</summary>
    /// <param name="recompute">whether they are; where no gradient is wanted nothing is kept in any case</param>
    /// <param name="block">whose parameters and buffers the function uses</param>
    /// <param name="function">the block's computation; called again in the backward pass it must do the same</param>
    /// <param name="input">of the block</param>
    /// <param name="constants">no gradient goes there</param>
    public static Tensor Run(
        bool recompute, nn.Module block, BlockFunction function, Tensor input, IReadOnlyList<Tensor> constants)
    {
        if (!recompute || !Function.IsWanted(input))
        {
            return function(input, constants);
        }

        using var scope = NewDisposeScope();
        return Function.apply(input, block, function, constants).MoveToOuterDisposeScope();
    }

    private sealed class Function : ReleasingFunction<Function, Pass>
    {
        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (input, function, constants) = ((Tensor)vars[0], (BlockFunction)vars[2], (IReadOnlyList<Tensor>)vars[3]);
            Save(ctx, new Pass(Keep(input), (nn.Module)vars[1], function, [.. constants.Select(Keep)], MixedPrecision.InUse));
            return function(input, constants);
        }

        protected override List<Tensor?> Backward(Pass saved, Tensor gradient)
        {
            var input = saved.Input.detach().requires_grad_();
            (Tensor Buffer, Tensor Value)[] remembered = [.. saved.Block.buffers().Select(buffer => (buffer, buffer.clone()))];
            using (enable_grad())
            using (MixedPrecision.Use(saved.Precision)) // the backward pass may be on another thread
            {
                // Into the parameters' gradients, as the outer backward pass does.
                autograd.backward([saved.Function(input, saved.Constants)], [gradient]);
            }

            foreach (var (buffer, value) in remembered)
            {
                buffer.copy_(value);
            }

            return [input.grad, null, null, null];
        }
    }

    private sealed record Pass(Tensor Input, nn.Module Block, BlockFunction Function, Tensor[] Constants, Precision Precision) : IDisposable
    {
        public void Dispose()
        {
            Input.Dispose();
            foreach (var constant in Constants)
            {
                constant.Dispose();
            }
        }
    }
}
