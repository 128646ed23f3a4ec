using DinoSharp.Methods.MocoV2;
using static TorchSharp.torch;

namespace DinoSharp.Methods.InfoMin;

/// <summary>
/// A view and a jigsaw of an image both have to find the key of its other view (arXiv 2005.10243; the jigsaw is that of PIRL, arXiv
/// 1912.01991).
/// </summary>
public static class InfoMinLoss
{
    /// <param name="queries">of one view; normalised here // [B, D]</param>
    /// <param name="jigsaws">queries of the jigsaws; normalised here // [B, D]</param>
    /// <param name="keys">of the other view, normalised // [B, D]</param>
    /// <param name="negatives">keys of earlier images, normalised // [K, D]</param>
    /// <param name="temperature">τ</param>
    /// <param name="jigsawWeight">β</param>
    /// <returns>(1 − β) times the views' loss and β times the jigsaws', and the latter by itself // [], []</returns>
    public static (Tensor Loss, Tensor Jigsaw) Of(
        Tensor queries, Tensor jigsaws, Tensor keys, Tensor negatives, double temperature, double jigsawWeight)
    {
        using var scope = NewDisposeScope();
        var views = MocoLoss.Of(queries, keys, negatives, temperature);
        var jigsaw = MocoLoss.Of(jigsaws, keys, negatives, temperature);
        var loss = (1 - jigsawWeight) * views + jigsawWeight * jigsaw;
        return (loss.MoveToOuterDisposeScope(), jigsaw.MoveToOuterDisposeScope());
    }
}
