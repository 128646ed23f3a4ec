using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.MocoV3;

/// <summary>
/// InfoNCE within the batch (arXiv 2104.02057, section 3 and algorithm 1): a query has to find its image's key among those of the batch.
/// </summary>
public static class MocoV3Loss
{
    /// <summary>
    /// 2τ times the mean cross-entropy: the factor keeps the gradients' size independent of the temperature. Symmetric where the queries
    /// of either view meet the keys of the other.
    /// </summary>
    /// <param name="queries">predictions of the images' one view; normalised here // [B, D]</param>
    /// <param name="keys">of the same images' other view, among others; normalised here, and no gradient goes there // [N, D]</param>
    /// <param name="temperature">τ</param>
    /// <param name="first">the number of the first query's key; the others follow</param>
    /// <returns>// []</returns>
    public static Tensor Of(Tensor queries, Tensor keys, double temperature, long first = 0)
    {
        using var scope = NewDisposeScope();
        var units = nn.functional.normalize(queries, dim: 1); // [B, D]
        var targets = nn.functional.normalize(keys.detach(), dim: 1); // [N, D]
        var logits = units.matmul(targets.t()) / temperature; // [B, N]
        var own = arange(first, first + queries.size(0), device: queries.device);
        return (2 * temperature * nn.functional.cross_entropy(logits, own)).MoveToOuterDisposeScope();
    }
}
