using static TorchSharp.torch;

namespace DinoSharp.Methods.SimSiam;

/// <summary>Negative cosine of a prediction and the other view's projection (arXiv 2011.10566, equation 1).</summary>
public static class SimSiamLoss
{
    /// <param name="predictions">h of one view's projections // [B, D]</param>
    /// <param name="projections">of the other view; no gradient goes there // [B, D]</param>
    /// <returns>// []</returns>
    public static Tensor Of(Tensor predictions, Tensor projections) =>
        -nn.functional.cosine_similarity(predictions, projections.detach(), dim: 1).mean();
}
