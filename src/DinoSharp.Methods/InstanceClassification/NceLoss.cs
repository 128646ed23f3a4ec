using static TorchSharp.torch;

namespace DinoSharp.Methods.InstanceClassification;

/// <summary>
/// Noise-contrastive estimation over a memory of images (arXiv 1805.01978, section 3.2): is an entry of the memory that of the image, or
/// one of m drawn from all n alike? P(i|f) = exp(vᵢ·f / τ) / Z, and h = P / (P + m / n) is the chance that it is the image's.
/// </summary>
public static class NceLoss
{
    /// <summary>−log h(own) − Σ log(1 − h(drawn)), the mean over images.</summary>
    /// <param name="outputs">unit vectors f // [B, D]</param>
    /// <param name="own">the images' entries v, unit vectors // [B, D]</param>
    /// <param name="drawn">entries drawn from all // [B, m, D]</param>
    /// <param name="normalizer">Z // [] or [1]</param>
    /// <param name="images">entries n in the memory</param>
    /// <param name="temperature">τ</param>
    /// <returns>// []</returns>
    public static Tensor Of(Tensor outputs, Tensor own, Tensor drawn, Tensor normalizer, long images, double temperature)
    {
        using var scope = NewDisposeScope();
        // h is the logistic function of log P − log(m / n), and −log of that softplus of the opposite.
        var shift = normalizer.log() + Math.Log((double)drawn.size(1) / images);
        var ownLogits = (outputs * own).sum(1) / temperature - shift; // [B]
        var drawnLogits = Similarities(outputs, drawn) / temperature - shift; // [B, m]
        return (nn.functional.softplus(-ownLogits).mean() + nn.functional.softplus(drawnLogits).sum([1L]).mean()).MoveToOuterDisposeScope();
    }

    /// <summary>The estimate of Z from drawn entries: n times the mean of exp(v·f / τ).</summary>
    /// <param name="outputs">unit vectors f // [B, D]</param>
    /// <param name="drawn">// [B, m, D]</param>
    /// <param name="images">entries n in the memory</param>
    /// <param name="temperature">τ</param>
    /// <returns>// []</returns>
    public static Tensor Normalizer(Tensor outputs, Tensor drawn, long images, double temperature)
    {
        using var scope = NewDisposeScope();
        return ((Similarities(outputs, drawn) / temperature).exp().mean() * images).MoveToOuterDisposeScope();
    }

    private static Tensor Similarities(Tensor outputs, Tensor drawn) => drawn.matmul(outputs.unsqueeze(2)).squeeze(2); // [B, m]
}
