using DinoSharp.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Obow;

/// <summary>
/// The visual words of one level: the latest local features of the teacher, and how far a place is from the nearest of them on average, which
/// sets the temperature (arXiv 2012.11552, section 3). Both move only when a step is done.
/// </summary>
internal sealed class Vocabulary : IDisposable
{
    private const double DistanceMomentum = 0.99;
    private const double FirstDistance = 0.5;

    /// <summary>Keeps the temperature above 0 where all features are one word.</summary>
    private const double LeastDistance = 1e-6;

    private readonly double _sharpness;
    private readonly BatchShare _share;
    private readonly Tensor _distance; // []
    private readonly Tensor _nextDistance; // []
    private readonly FeatureRing _words;

    /// <param name="words">K</param>
    /// <param name="channels">C of the level's maps</param>
    /// <param name="sharpness">1 / δ for a mean distance of 1</param>
    /// <param name="share">which images of a batch are this process's; the words are of all</param>
    /// <param name="device">where the maps are</param>
    public Vocabulary(int words, int channels, double sharpness, BatchShare share, Device device)
    {
        (_sharpness, _share) = (sharpness, share);
        _distance = full([], FirstDistance, device: device).DetachFromDisposeScope();
        _nextDistance = _distance.clone().DetachFromDisposeScope();
        using var scope = NewDisposeScope();
        _words = new FeatureRing(randn(words, channels).clamp_min_(0).to(device));
    }

    /// <summary>The words as the last step left them // [K, C]</summary>
    public Tensor Words => _words.Values;

    /// <summary>Moving average of the squared distance of a place from the nearest word // []</summary>
    public Tensor Distance => _distance;

    /// <summary>The bags of words of images; what they teach the vocabulary is held back until <see cref="Commit"/>.</summary>
    /// <param name="maps">of the teacher // [B, C, H, W]</param>
    /// <returns>// [B, K]</returns>
    public Tensor Read(Tensor maps)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var inner = BagOfWords.WithoutBorder(maps);
        var distances = BagOfWords.Distances(inner, Words); // [B, H W, K]
        var nearest = distances.amin([2L]).mean();
        _share.Group.Sum(nearest);
        _nextDistance.copy_(_distance * DistanceMomentum + nearest * ((1 - DistanceMomentum) / _share.Group.Size));
        _words.Hold(_share.Whole(BagOfWords.NewWords(inner, _share)));
        return BagOfWords.Of(distances, _sharpness / _nextDistance.clamp_min(LeastDistance)).MoveToOuterDisposeScope();
    }

    /// <param name="before">words put in before this step's</param>
    public void Commit(long before)
    {
        using var noGradients = no_grad();
        _distance.copy_(_nextDistance);
        _words.Commit(before);
    }

    public void Forget() => _words.Forget();

    public void Dispose()
    {
        _distance.Dispose();
        _nextDistance.Dispose();
        _words.Dispose();
    }
}
