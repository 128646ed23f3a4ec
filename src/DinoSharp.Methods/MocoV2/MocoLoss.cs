using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.MocoV2;

/// <summary>InfoNCE over a queue (arXiv 1911.05722, equation 1): a query has to find its image's key among the keys of other images.</summary>
public static class MocoLoss
{
    /// <param name="queries">normalised here // [B, D]</param>
    /// <param name="keys">of the same images' other view, normalised; no gradient goes there // [B, D]</param>
    /// <param name="negatives">keys of earlier images, normalised // [K, D]</param>
    /// <param name="temperature">τ</param>
    /// <returns>mean over the images // []</returns>
    public static Tensor Of(Tensor queries, Tensor keys, Tensor negatives, double temperature)
    {
        using var scope = NewDisposeScope();
        var unit = nn.functional.normalize(queries, dim: 1); // [B, D]
        var positive = (unit * keys.detach()).sum(1, keepdim: true); // [B, 1]
        var logits = cat([positive, unit.matmul(negatives.detach().t())], 1) / temperature; // [B, 1 + K]
        return (-logits.log_softmax(1).select(1, 0).mean()).MoveToOuterDisposeScope();
    }
}
