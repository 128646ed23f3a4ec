using static TorchSharp.torch;

namespace DinoSharp.Distributed;

/// <summary>A sum over ranks that gradients go through.</summary>
public static class RankSum
{
    /// <summary>
    /// The sum over the ranks. Where each rank's loss reads it, the derivative of the losses' sum by a rank's term is the sum of the ranks'
    /// derivatives, so that is what flows back.
    /// </summary>
    /// <param name="group">whose ranks</param>
    /// <param name="values">of any shape, float32 or float64</param>
    /// <returns>the same shape, the same on every rank; the values themselves for a process that is alone</returns>
    public static Tensor Of(ProcessGroup group, Tensor values) => group.Size == 1 ? values.alias() : Function.apply(values, group);

    /// <summary>A copy of values, summed over the ranks.</summary>
    internal static Tensor Summed(ProcessGroup group, Tensor values)
    {
        var sum = values.detach().contiguous().clone();
        group.Sum(sum);
        return sum;
    }

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(RankSum);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var group = (ProcessGroup)vars[1];
            ctx.save_data(nameof(group), group);
            return Summed(group, (Tensor)vars[0]);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
            [Summed((ProcessGroup)ctx.get_data("group"), grad_output), null!];
    }
}
