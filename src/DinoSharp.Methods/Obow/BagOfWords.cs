using DinoSharp.Cuda;
using DinoSharp.Distributed;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Obow;

/// <summary>What visual words a feature map shows (arXiv 2012.11552, section 3).</summary>
public static class BagOfWords
{
    /// <summary>Numbers of assignments at a time: 128 MiB in float32.</summary>
    private const long MostAssignments = 1 << 25;

    /// <summary>From this side on, a map is used without its border, whose features have seen padding.</summary>
    private const long SmallestSideToCut = 5;

    /// <summary>Side of the windows that new words are means of.</summary>
    private const long Window = 3;

    /// <summary>A map without its outermost places, if then a window of 3 x 3 is left.</summary>
    /// <param name="maps">// [B, C, H, W]</param>
    /// <returns>// [B, C, H', W']</returns>
    public static Tensor WithoutBorder(Tensor maps)
    {
        using var scope = NewDisposeScope();
        var inner = maps.alias();
        foreach (int axis in (ReadOnlySpan<int>)[2, 3])
        {
            inner = maps.size(axis) >= SmallestSideToCut ? inner.narrow(axis, 1, maps.size(axis) - 2) : inner;
        }

        return inner.MoveToOuterDisposeScope();
    }

    /// <summary>Squared distance of each place from each word.</summary>
    /// <param name="maps">// [B, C, H, W]</param>
    /// <param name="words">// [K, C]</param>
    /// <returns>// [B, H W, K]</returns>
    public static Tensor Distances(Tensor maps, Tensor words)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var places = maps.flatten(2).transpose(1, 2).reshape(-1, maps.size(1)); // [B H W, C]
        var distances = places.mm(words.t()).mul_(-2).add_(words.square().sum([1L])).add_(places.square().sum([1L], keepdim: true));
        return distances.clamp_min_(0).view(maps.size(0), -1, words.size(0)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Each place is assigned softly to the words, softmax(−distance / δ); of a word the strongest assignment in the image counts; the
    /// counts of an image add to 1.
    /// </summary>
    /// <param name="distances">squared // [B, H W, K]</param>
    /// <param name="inverseTemperature">1 / δ // []</param>
    /// <returns>// [B, K]</returns>
    public static Tensor Of(Tensor distances, Tensor inverseTemperature)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        long images = distances.size(0), atATime = Math.Max(1, MostAssignments / (distances.size(1) * distances.size(2)));
        var bags = empty(images, distances.size(2), distances.dtype, distances.device);
        for (long first = 0; first < images; first += atATime)
        {
            using var part = NewDisposeScope();
            long here = Math.Min(atATime, images - first);
            bags.narrow(0, first, here).copy_((distances.narrow(0, first, here) * -inverseTemperature).softmax(2).amax([1L]));
        }

        return nn.functional.normalize(bags, p: 1, dim: 1).MoveToOuterDisposeScope();
    }

    /// <summary>A new word of each image: the mean of the features in a window of 3 x 3 places, drawn from torch's random state.</summary>
    /// <param name="maps">// [B, C, H, W]</param>
    /// <param name="share">which images of the batch these are</param>
    /// <returns>// [B, C]</returns>
    public static Tensor NewWords(Tensor maps, BatchShare share)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        long height = Math.Min(Window, maps.size(2)), width = Math.Min(Window, maps.size(3));
        var means = nn.functional.avg_pool2d(maps, [height, width], [1L, 1L]).flatten(2); // [B, C, places]
        var place = share.Draw(means.size(0), count => randint(0, means.size(2), [count, 1, 1], ScalarType.Int64)).Bring(maps.device);
        return means.gather(2, place.expand(-1, means.size(1), 1)).squeeze(2).MoveToOuterDisposeScope();
    }
}
