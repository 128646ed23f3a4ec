using static TorchSharp.torch;

namespace DinoSharp.Distributed;

/// <summary>Rows of all ranks that gradients go through.</summary>
public static class RankRows
{
    /// <summary>
    /// The rows of all ranks. What flows back to a rank's rows is the sum of all ranks' derivatives by them.
    /// </summary>
    /// <param name="group">whose ranks</param>
    /// <param name="rows">float32 or float64 // [B, ...]</param>
    /// <returns>in the order of the ranks; the rows themselves for a process that is alone // [n B, ...]</returns>
    public static Tensor Of(ProcessGroup group, Tensor rows) => group.Size == 1 ? rows.alias() : Function.apply(rows, group);

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(RankRows);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var group = (ProcessGroup)vars[1];
            ctx.save_data(nameof(group), group);
            return group.Gather(((Tensor)vars[0]).detach().contiguous());
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            var group = (ProcessGroup)ctx.get_data("group");
            using var sum = RankSum.Summed(group, grad_output); // [n B, ...]
            long own = sum.size(0) / group.Size;
            return [sum.narrow(0, group.Rank * own, own).clone(), null!];
        }
    }
}
