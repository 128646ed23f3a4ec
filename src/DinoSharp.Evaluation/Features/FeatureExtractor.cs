using DinoSharp.Data;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Features;

/// <summary>Frozen features of images.</summary>
public static class FeatureExtractor
{
    /// <summary>The features of all usable images of a source, row by row in its order.</summary>
    /// <param name="backbone">on any device</param>
    /// <param name="loader">the images; what it could not use is in its faults and has no row</param>
    /// <param name="progress">told the number of images done</param>
    /// <exception cref="ImageSourceException">Too many images are unusable, or all of them.</exception>
    /// <exception cref="EvaluationException">The features are too many for one table.</exception>
    public static FeatureTable Table(Backbone backbone, EvaluationLoader loader, Action<int>? progress = null)
    {
        var device = backbone.parameters().First().device;
        return Table(loader, pixels =>
        {
            using var images = PixelNormalization.For(backbone.InputChannels).Apply(pixels, device); // [B, C, H, W]
            return Features(backbone, images);
        }, progress);
    }

    /// <summary>The same for any function of the pixels.</summary>
    /// <param name="loader">the images</param>
    /// <param name="features">from uint8 [B, H, W, C] to row-major // [B, D]</param>
    /// <param name="progress">told the number of images done</param>
    public static FeatureTable Table(EvaluationLoader loader, Func<Tensor, float[]> features, Action<int>? progress = null)
    {
        var source = loader.Source;
        var indices = new List<int>();
        float[] values = []; // of all images from the first batch on: rows beside their whole would take the memory twice
        int used = 0;
        foreach (var batch in loader.Batches())
        {
            using (batch)
            {
                if (batch.Indices.Count > 0)
                {
                    float[] rows = features(batch.Pixels);
                    values = values.Length > 0 ? values : Room(source, rows.Length / batch.Indices.Count);
                    rows.CopyTo(values, used);
                    used += rows.Length;
                    indices.AddRange(batch.Indices);
                }
            }

            TorchRuntime.Sweep();
            progress?.Invoke(indices.Count);
        }

        Array.Resize(ref values, used); // shorter by the images that could not be used
        return indices.Count > 0
            ? new FeatureTable(
                [.. indices.Select(source.NameOf)],
                source.Classes.Count == 0 ? [] : [.. indices.Select(i => (long)source.LabelOf(i))],
                source.Classes,
                values,
                values.Length / indices.Count)
            : throw new ImageSourceException(source.Path, "none of its images can be used");
    }

    private static float[] Room(IImageSource source, int dim) => (long)source.Count * dim <= Array.MaxLength
        ? new float[source.Count * dim]
        : throw new EvaluationException(
            $"{source.Path}: {source.Count} features of {dim} values are more than one table holds; take fewer images or smaller ones");

    /// <summary>Runs a backbone in evaluation mode and without gradients; afterwards it is in the mode it was in.</summary>
    /// <param name="backbone">on any device</param>
    /// <param name="images">normalised // float32 [B, C, H, W]</param>
    /// <returns>row-major // [B, D]</returns>
    /// <exception cref="EvaluationException">The features are not finite numbers.</exception>
    public static float[] Features(Backbone backbone, Tensor images)
    {
        using var mode = new EvaluationMode(backbone);
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var features = backbone.forward(images.to(backbone.parameters().First().device)); // [B, D]
        return features.isfinite().all().item<bool>()
            ? features.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray()
            : throw new EvaluationException("the features are not finite: the weights diverged or are not this backbone's");
    }
}
