using DinoSharp.Data;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Features;

/// <summary>What is computed of an image's pixels, and what tells it from anything else that is.</summary>
/// <param name="dim">length D of a feature</param>
/// <param name="values">from uint8 [B, H, W, C] to row-major // float32 [B, D]</param>
/// <param name="identity">gives the line of <see cref="Identity"/>; only called for what is kept</param>
public sealed class FeatureFunction(int dim, Func<Tensor, float[]> values, Func<string> identity)
{
    private readonly Lazy<string> _identity = new(identity);

    /// <summary>Length D of a feature.</summary>
    public int Dim => dim;

    /// <summary>All that features depend on besides the pixels, in one line: those of the same identity may stand for each other.</summary>
    public string Identity => _identity.Value;

    /// <summary>What a backbone is trained to give.</summary>
    /// <param name="backbone">on any device; stays the caller's</param>
    public static FeatureFunction Of(Backbone backbone)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        return Of(backbone, "features", backbone.FeatureDim, backbone.forward);
    }

    /// <summary>Anything else that a backbone shows of images, in evaluation mode and without gradients.</summary>
    /// <param name="backbone">on any device; stays the caller's</param>
    /// <param name="what">tells it from other things that the same backbone shows, in a few words</param>
    /// <param name="dim">length D of a feature</param>
    /// <param name="features">from normalised images on the backbone's device [B, C, H, W] to // [B, D]</param>
    public static FeatureFunction Of(Backbone backbone, string what, int dim, Func<Tensor, Tensor> features)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        return new FeatureFunction(dim, Values, () => $"{what} of weights {WeightsFingerprint.Of(backbone)}");

        float[] Values(Tensor pixels)
        {
            using var images = PixelNormalization.For(backbone.InputChannels).Apply(pixels, backbone.parameters().First().device); // [B, C, H, W]
            return FeatureExtractor.Features(backbone, images, features);
        }
    }

    /// <summary>The features of some images.</summary>
    /// <param name="pixels">uint8 [B, H, W, C]</param>
    /// <returns>row-major // [B, D]</returns>
    /// <exception cref="EvaluationException">The features are not finite numbers.</exception>
    public float[] Of(Tensor pixels) => values(pixels);
}
