using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.InstanceClassification;

/// <summary>The non-parametric softmax over all entries of a memory (arXiv 1805.01978, equation 2).</summary>
public static class MemorySoftmax
{
    /// <summary>−log P(i|f) = −log (exp(vᵢ·f / τ) / Σ exp(vⱼ·f / τ)), the mean over images.</summary>
    /// <param name="outputs">unit vectors f // [B, D]</param>
    /// <param name="memory">entries v, unit vectors // [N, D]</param>
    /// <param name="numbers">which entries are the images' // [B]</param>
    /// <param name="temperature">τ</param>
    /// <returns>// []</returns>
    public static Tensor Loss(Tensor outputs, Tensor memory, Tensor numbers, double temperature)
    {
        using var scope = NewDisposeScope();
        return nn.functional.cross_entropy((outputs / temperature).mm(memory.t()), numbers).MoveToOuterDisposeScope(); // [B, N] in between
    }
}
