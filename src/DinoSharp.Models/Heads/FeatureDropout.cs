using DinoSharp.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Heads;

/// <summary>Dropout (Srivastava et al., 2014) of a feature's numbers before a head, in training: each is 0 by chance, the others are scaled up by 1 / keep.</summary>
/// <param name="rate">chance of being 0</param>
internal sealed class FeatureDropout(double rate) : nn.Module<Tensor, Tensor>(nameof(FeatureDropout)), IBatchSharer
{
    private BatchShare? _share;

    BatchShare? IBatchSharer.Share
    {
        set => _share = value;
    }

    /// <param name="features">// [B, D]</param>
    /// <returns>// [B, D]</returns>
    public override Tensor forward(Tensor features)
    {
        if (!training || rate == 0)
        {
            return features.alias();
        }

        using var scope = NewDisposeScope();
        long images = features.size(0);
        return (features * (_share is null ? Kept(images) : _share.Draw(images, Kept))).MoveToOuterDisposeScope();

        Tensor Kept(long rows) => rand(rows, features.size(1), device: features.device).add_(1 - rate).floor_().div_(1 - rate);
    }
}
