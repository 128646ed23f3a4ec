using DinoSharp.Evaluation.Features;
using DinoSharp.Models.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.CopyDetection;

/// <summary>
/// What copy detection compares images by (arXiv 2104.14294, section 4.2.1): a transformer's class token and, behind it, its patch tokens
/// pooled by a generalised mean; both of the last layer, through the last norm.
/// </summary>
public static class CopyFeatures
{
    private const double Exponent = 4;
    private const double Least = 1e-6;

    /// <summary>Length F of a feature: 2D for a Vision Transformer. Of other networks it is their feature alone, of length D.</summary>
    public static int DimOf(Backbone backbone)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        return backbone is VisionTransformer ? 2 * backbone.FeatureDim : backbone.FeatureDim;
    }

    /// <summary>The features of images of one size, in evaluation mode and without gradients.</summary>
    /// <param name="backbone">on any device</param>
    /// <param name="images">normalised // float32 [B, C, H, W]</param>
    /// <returns>on the backbone's device, not of length 1 // float32 [B, F]</returns>
    public static Tensor Of(Backbone backbone, Tensor images)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        using var mode = new EvaluationMode(backbone);
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var input = images.to(backbone.parameters().First().device);
        if (backbone is not VisionTransformer transformer)
        {
            return backbone.forward(input).MoveToOuterDisposeScope(); // [B, D]
        }

        var tokens = transformer.IntermediateLayers(input, 1)[0]; // [B, N+1, D]
        var patches = tokens.narrow(1, 1, tokens.size(1) - 1); // [B, N, D]
        return cat([tokens.select(1, 0), GeneralizedMean(patches)], 1).MoveToOuterDisposeScope(); // [B, 2D]
    }

    /// <summary>GeM pooling (arXiv 1711.02512, equation 3) of tokens, with exponent 4: mean(max(x, 1e-6)^4)^(1/4).</summary>
    /// <param name="tokens">// [B, N, D]</param>
    /// <returns>// [B, D]</returns>
    public static Tensor GeneralizedMean(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        return tokens.clamp(min: Least).pow(Exponent).mean([1]).pow(1 / Exponent).MoveToOuterDisposeScope();
    }
}
