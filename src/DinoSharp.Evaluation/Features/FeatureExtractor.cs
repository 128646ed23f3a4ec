using DinoSharp.Models.Backbones;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Features;

/// <summary>Frozen features of images.</summary>
public static class FeatureExtractor
{
    /// <summary>Runs a backbone in evaluation mode and without gradients; afterwards it is in the mode it was in.</summary>
    /// <param name="backbone">on any device</param>
    /// <param name="images">normalised // float32 [B, C, H, W]</param>
    /// <returns>row-major // [B, D]</returns>
    public static float[] Features(Backbone backbone, Tensor images)
    {
        using var mode = new EvaluationMode(backbone);
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var features = backbone.forward(images.to(backbone.parameters().First().device)); // [B, D]
        return features.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
    }
}
