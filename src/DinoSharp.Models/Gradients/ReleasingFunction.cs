using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Gradients;

/// <summary>
/// A function of autograd's that frees its memory as the backward pass comes by. TorchSharp keeps what such a function saves and returns until the
/// graph is gone, which is after the backward pass of all layers. Here what was saved is disposed by the function that used it, what was returned
/// when the next one returns.
/// </summary>
/// <typeparam name="TFunction">the function itself</typeparam>
/// <typeparam name="TSaved">what it saves</typeparam>
internal abstract class ReleasingFunction<TFunction, TSaved> : autograd.SingleTensorFunction<TFunction>
    where TFunction : ReleasingFunction<TFunction, TSaved>, new()
    where TSaved : IDisposable
{
    private const string Saved = "saved";

    public sealed override string Name => typeof(TFunction).DeclaringType!.Name;

    public sealed override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var scope = NewDisposeScope();
        using var gradient = grad_output;
        using var saved = (TSaved)ctx.get_data(Saved);
        return ReturnedGradients.Replace(Backward(saved, gradient));
    }

    /// <summary>Whether there will be a backward pass through what is computed of these.</summary>
    public static bool IsWanted(params ReadOnlySpan<Tensor?> inputs)
    {
        foreach (var input in inputs)
        {
            if (input is { requires_grad: true })
            {
                return is_grad_enabled();
            }
        }

        return false;
    }

    /// <summary>The gradients of all that the function was given, null for what has none.</summary>
    /// <param name="saved">is disposed afterwards</param>
    /// <param name="gradient">of the function's result, with any strides</param>
    protected abstract List<Tensor?> Backward(TSaved saved, Tensor gradient);

    /// <summary>A tensor's values, to be saved.</summary>
    protected static Tensor Keep(Tensor tensor) => tensor.detach().DetachFromDisposeScope();

    protected static void Save(autograd.AutogradContext ctx, TSaved saved) => ctx.save_data(Saved, saved);
}
