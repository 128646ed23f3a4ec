using DinoSharp.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.DeepCluster;

/// <summary>Cross-entropy of every crop's cluster, as the clustering before the epoch had it (arXiv 2006.09882, appendix).</summary>
public static class DeepClusterLoss
{
    /// <summary>The target of an image that the clustering did not have.</summary>
    public const long Unknown = -100;

    /// <summary>The mean over crops of known images, then over clusterings; 0 where all images are unknown.</summary>
    /// <param name="projections">of length 1, of V crops // [V, B, P]</param>
    /// <param name="centroids">of length 1, of H clusterings // [H, K, P]</param>
    /// <param name="targets">an image's cluster in each clustering, or <see cref="Unknown"/> // int64 [H, B]</param>
    /// <param name="temperature">τ by which cosines are divided</param>
    /// <param name="group">processes that have other images of the batch, whose losses' mean is then the batch's; null for none</param>
    /// <returns>// []</returns>
    public static Tensor Of(Tensor projections, Tensor centroids, Tensor targets, double temperature, ProcessGroup? group = null)
    {
        using var scope = NewDisposeScope();
        group ??= ProcessGroup.Alone;
        var known = targets.ne(Unknown).sum(1, type: ScalarType.Int64); // [H]
        group.Sum(known);
        var (views, heads) = (projections.size(0), centroids.size(0));
        var rows = projections.flatten(0, 1); // [V B, P]
        var sum = zeros([], projections.dtype, projections.device);
        for (long head = 0; head < heads; head++)
        {
            var logits = rows.mm(centroids[head].t()) / temperature; // [V B, K]
            sum = sum + nn.functional.cross_entropy(
                logits, targets[head].repeat(views), ignore_index: Unknown, reduction: nn.Reduction.Sum) * group.Size / (known[head].clamp_min(1) * views);
        }

        return (sum / heads).MoveToOuterDisposeScope();
    }
}
