using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.SimClr;

/// <summary>
/// Normalised temperature-scaled cross-entropy (arXiv 2002.05709, equation 1): each view has to find the other view of its image among all
/// other views of the batch.
/// </summary>
public static class NtXentLoss
{
    /// <param name="first">projections of the images' first views; normalised here // [B, D]</param>
    /// <param name="second">of their second views // [B, D]</param>
    /// <param name="temperature">τ</param>
    /// <returns>mean over the 2 B views // []</returns>
    public static Tensor Of(Tensor first, Tensor second, double temperature)
    {
        using var scope = NewDisposeScope();
        long images = first.size(0);
        var unit = nn.functional.normalize(cat([first, second]), dim: 1); // [2B, D]
        var itself = eye(2 * images, dtype: ScalarType.Bool, device: unit.device);
        var logits = (unit.matmul(unit.t()) / temperature).masked_fill(itself, double.NegativeInfinity); // [2B, 2B]
        var others = arange(2 * images, device: unit.device).roll(images); // view i of image b is answered by the other view of b
        return nn.functional.cross_entropy(logits, others).MoveToOuterDisposeScope();
    }
}
