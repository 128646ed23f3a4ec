using DinoSharp.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models;

/// <summary>
/// Which images keep a residual branch (stochastic depth, arXiv 1603.09382): the branch of an image is dropped whole, or scaled up by 1 / keep.
/// </summary>
/// <param name="dropRate">chance of being dropped</param>
internal sealed class StochasticDepth(double dropRate) : nn.Module(nameof(StochasticDepth)), IBatchSharer
{
    private BatchShare? _share;

    BatchShare? IBatchSharer.Share
    {
        set => _share = value;
    }

    /// <summary>Whether anything is dropped: only in training.</summary>
    public bool Drops => training && dropRate > 0;

    /// <summary>0 for a branch to drop, 1 / keep for the others; drawn from torch's random state.</summary>
    /// <param name="rows">images in all crops</param>
    /// <param name="device">where</param>
    /// <returns>// [rows, 1]</returns>
    public Tensor Draw(long rows, Device device)
    {
        double keep = 1 - dropRate;
        return _share is null ? Kept(rows) : _share.Draw(rows, Kept);

        Tensor Kept(long count) => rand(count, 1, device: device).add_(keep).floor_().div_(keep);
    }
}
