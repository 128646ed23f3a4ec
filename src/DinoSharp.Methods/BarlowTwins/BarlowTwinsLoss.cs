using DinoSharp.Distributed;
using static TorchSharp.torch;

namespace DinoSharp.Methods.BarlowTwins;

/// <summary>How far the cross-correlation of two views' projections is from the identity (arXiv 2103.03230, equations 1 and 2).</summary>
public static class BarlowTwinsLoss
{
    /// <summary>Added to a variance, as batch norm does.</summary>
    private const double Epsilon = 1e-5;

    /// <summary>
    /// Σ_i (1 − C_ii)² + λ Σ_i Σ_(j≠i) C_ij², with C_ij the correlation over the batch of coordinate i of one view and j of the other.
    /// </summary>
    /// <param name="first">projections of one view // [B, D]</param>
    /// <param name="second">of the same images' other view // [B, D]</param>
    /// <param name="redundancyWeight">λ</param>
    /// <param name="group">processes that have other images of the batch, equally many each; null for none</param>
    /// <returns>of the whole batch // []</returns>
    public static Tensor Of(Tensor first, Tensor second, double redundancyWeight, ProcessGroup? group = null)
    {
        using var scope = NewDisposeScope();
        group ??= ProcessGroup.Alone;
        var products = Standardized(first, group).t().mm(Standardized(second, group)) / first.size(0);
        var correlation = RankSum.Of(group, products) / group.Size; // [D, D]
        var diagonal = correlation.diagonal(); // [D]
        // All squares less the diagonal's, so that no mask of D x D is needed.
        var redundancy = correlation.square().sum() - diagonal.square().sum();
        return ((1 - diagonal).square().sum() + redundancyWeight * redundancy).MoveToOuterDisposeScope();
    }

    private static Tensor Standardized(Tensor projections, ProcessGroup group)
    {
        var centred = projections - Mean(projections); // [B, D]
        return centred * (Mean(centred.square()) + Epsilon).rsqrt();

        Tensor Mean(Tensor values) => RankSum.Of(group, values.mean([0L], keepdim: true)) / group.Size;
    }
}
