using static TorchSharp.torch;

namespace DinoSharp.Models.Gradients;

/// <summary>The gradients that the function before returned, on this thread, whichever function it was: autograd has taken its own references.</summary>
internal static class ReturnedGradients
{
    [ThreadStatic]
    private static List<Tensor?>? _last;

    /// <summary>Frees those, and remembers these in their place.</summary>
    public static List<Tensor> Replace(List<Tensor?> gradients)
    {
        _last?.ForEach(gradient => gradient?.Dispose());
        gradients.ForEach(gradient => gradient?.DetachFromDisposeScope());
        _last = gradients;
        return gradients!;
    }
}
