using static TorchSharp.torch;

namespace DinoSharp.Models.Products;

/// <summary>
/// TorchSharp keeps what a function of autograd's saves and returns until the graph is gone, which is after the backward pass of all layers.
/// These free it as the pass comes by: what was saved is disposed by the function that used it, what was returned when the next one returns.
/// </summary>
internal static class BackwardMemory
{
    [ThreadStatic]
    private static List<Tensor?>? _returned;

    /// <summary>Whether there will be a backward pass through what is computed of these.</summary>
    public static bool Expects(Tensor input, Tensor weight) => is_grad_enabled() && (input.requires_grad || weight.requires_grad);

    /// <summary>A tensor's values for the backward pass, which is to dispose them.</summary>
    public static Tensor Keep(Tensor tensor) => tensor.detach().DetachFromDisposeScope();

    /// <summary>Gradients for autograd, which has taken those of the call before.</summary>
    public static List<Tensor> Return(params List<Tensor?> gradients)
    {
        _returned?.ForEach(gradient => gradient?.Dispose());
        gradients.ForEach(gradient => gradient?.DetachFromDisposeScope());
        _returned = gradients;
        return gradients!;
    }
}
