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
        if (!recompute || !is_grad_enabled() || !input.requires_grad)
        {
            return function(input, constants);
        }

        using var scope = NewDisposeScope();
        return Function.apply(input, block, function, constants).MoveToOuterDisposeScope();
    }

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(ActivationCheckpoint);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (input, function, constants) = ((Tensor)vars[0], (BlockFunction)vars[2], (IReadOnlyList<Tensor>)vars[3]);
            ctx.save_for_backward([input, .. constants]);
            ctx.save_data("block", vars[1]);
            ctx.save_data("function", function);
            ctx.save_data("precision", MixedPrecision.InUse);
            return function(input, constants);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using var scope = NewDisposeScope();
            using var gradient = grad_output; // left to the step's scope, those of all blocks would live to its end
            var saved = ctx.get_saved_variables();
            var (block, function) = ((nn.Module)ctx.get_data("block"), (BlockFunction)ctx.get_data("function"));
            var input = saved[0].detach().requires_grad_();
            (Tensor Buffer, Tensor Value)[] remembered = [.. block.buffers().Select(buffer => (buffer, buffer.clone()))];
            using (enable_grad())
            using (MixedPrecision.Use((Precision)ctx.get_data("precision"))) // the backward pass may be on another thread
            {
                // Into the parameters' gradients, as the outer backward pass does.
                autograd.backward([function(input, [.. saved.Skip(1)])], [gradient]);
            }

            foreach (var (buffer, value) in remembered)
            {
                buffer.copy_(value);
            }

            return [input.grad!.MoveToOuterDisposeScope(), null!, null!, null!];
        }
    }
}
