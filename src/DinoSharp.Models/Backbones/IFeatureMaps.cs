using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>A backbone that gives what it sees at each place of an image, at two levels.</summary>
public interface IFeatureMaps
{
    /// <summary>Channels of the two levels of <see cref="FeatureMaps"/>.</summary>
    IReadOnlyList<int> MapDims { get; }

    /// <summary>
    /// Feature maps of an intermediate and of the last level: of a ResNet the last two stages; of a transformer the patch tokens after
    /// three quarters of the blocks and after all, each through the last norm.
    /// </summary>
    /// <param name="images">// [B, C, H, W]</param>
    /// <returns>the intermediate level first // 2 of [B, MapDims[i], H_i, W_i]</returns>
    Tensor[] FeatureMaps(Tensor images);
}
