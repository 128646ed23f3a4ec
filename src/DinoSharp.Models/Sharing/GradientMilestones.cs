using DinoSharp.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models;

/// <summary>
/// Tells during the backward pass that the gradients of a module's parameters are complete, so that they can travel while those of earlier
/// modules are computed. A milestone is a function before the module that changes nothing. Of what is ready autograd computes first what was
/// used last in the forward pass, and puts a parameter's gradient in its place at once (torch/csrc/autograd/engine.cpp): when the gradient
/// comes back to a milestone, all that was computed after it has been dealt with. A module that is passed several times is told of when all
/// its milestones are behind.
/// </summary>
public static class GradientMilestones
{
    // As precision and dispose scopes: a forward pass belongs to a thread.
    [ThreadStatic]
    private static Watch? _watch;

    /// <summary>Sets milestones in the forward passes of this thread until what is returned is disposed, which is after the backward pass.</summary>
    /// <param name="complete">
    /// called in the backward pass for each module that was passed; what it throws would be lost in torch, so it must not
    /// </param>
    public static IDisposable Tell(Action<nn.Module> complete) => _watch = new Watch(_watch, complete);

    /// <summary>The input of a module that is about to be passed.</summary>
    /// <param name="module">whose parameters are used for the first time in this pass</param>
    /// <param name="input">of any shape</param>
    /// <returns>the same values; the input itself where nobody wants to know</returns>
    internal static Tensor Before(nn.Module module, Tensor input)
    {
        if (_watch is not { } watch || !is_grad_enabled() || !input.requires_grad)
        {
            return input;
        }

        watch.Ahead[module] = watch.Ahead.GetValueOrDefault(module) + 1;
        using var scope = NewDisposeScope();
        return Function.apply(input, module, watch).MoveToOuterDisposeScope();
    }

    private sealed class Watch(Watch? earlier, Action<nn.Module> complete) : IDisposable
    {
        private Tensor? _passedOn;

        /// <summary>Milestones before a module that the backward pass has not come to.</summary>
        public Dictionary<nn.Module, int> Ahead { get; } = [];

        public List<Tensor> Passed(nn.Module module, Tensor gradient)
        {
            if (--Ahead[module] == 0)
            {
                complete(module);
            }

            // Torch has taken over the gradient before it comes to the next milestone; all of them would be much memory.
            _passedOn?.Dispose();
            _passedOn = gradient.DetachFromDisposeScope();
            return [gradient, null!, null!];
        }

        public void Dispose()
        {
            _passedOn?.Dispose();
            _watch = earlier;
        }
    }

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(GradientMilestones);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_data("module", vars[1]);
            ctx.save_data("watch", vars[2]);
            return ((Tensor)vars[0]).alias();
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
            ((Watch)ctx.get_data("watch")).Passed((nn.Module)ctx.get_data("module"), grad_output);
    }
}
