using static TorchSharp.torch;

namespace DinoSharp.Methods.Byol;

/// <summary>Squared distance of normalised predictions from normalised targets (arXiv 2006.07733, equation 2).</summary>
public static class ByolLoss
{
    /// <summary>2 − 2 cos(p, z), the mean over images; symmetric where each view predicts the other (equation 3).</summary>
    /// <param name="predictions">q of the online projections // [B, D]</param>
    /// <param name="targets">projections of the same images' other view; no gradient goes there // [B, D]</param>
    /// <returns>// []</returns>
    public static Tensor Of(Tensor predictions, Tensor targets)
    {
        using var scope = NewDisposeScope();
        var cosines = nn.functional.cosine_similarity(predictions, targets.detach(), dim: 1); // [B]
        return (2 - 2 * cosines.mean()).MoveToOuterDisposeScope();
    }
}
