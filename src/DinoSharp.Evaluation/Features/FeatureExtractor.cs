using DinoSharp.Checkpoints;
using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Models.Backbones;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Features;

/// <summary>Frozen features of images.</summary>
public static class FeatureExtractor
{
    /// <summary>The features of all usable images of a source, row by row in its order.</summary>
    /// <param name="backbone">on any device</param>
    /// <param name="loader">the images; what it could not use is in its faults and has no row</param>
    /// <param name="progress">told the number of images done, first of those that the cache has</param>
    /// <param name="cache">folder that keeps features, see <see cref="Table(EvaluationLoader, FeatureFunction, Action{int}?, string?)"/></param>
    public static FeatureTable Table(Backbone backbone, EvaluationLoader loader, Action<int>? progress = null, string? cache = null) =>
        Table(loader, FeatureFunction.Of(backbone), progress, cache);

    /// <summary>
    /// The same for any function of the pixels. What the cache has is not computed again, so that work that was cut off goes on where it
    /// stood: parts of some hundred images are in files of their own, known by the images' names, the sizes and times of their files, how
    /// they are shown, and the function. Another size of batches or another device makes no difference to what is known.
    /// </summary>
    /// <param name="loader">the images; what it could not use is in its faults and has no row</param>
    /// <param name="function">what is computed of them</param>
    /// <param name="progress">told the number of images done, first of those that the cache has</param>
    /// <param name="cache">folder that keeps features, of any sets and networks; null keeps none</param>
    /// <exception cref="ImageSourceException">Too many images are unusable, or all of them.</exception>
    /// <exception cref="EvaluationException">The features are too many for one table or not finite, or the cache cannot be made.</exception>
    /// <exception cref="CheckpointException">A file of the cache is damaged or cannot be written.</exception>
    public static FeatureTable Table(EvaluationLoader loader, FeatureFunction function, Action<int>? progress = null, string? cache = null) =>
        Shared(loader, function, ProcessGroup.Alone, progress, cache).OnFirst()!;

    /// <summary>
    /// The same by several processes, each of which computes its share of the images and has the features of these. The features do not depend on
    /// how many there are. All have the same images and the same cache, and call this together.
    /// </summary>
    /// <param name="loader">the images; what any of the processes could not use is in its faults on all of them, and has no row</param>
    /// <param name="function">what is computed of them</param>
    /// <param name="group">the processes</param>
    /// <param name="progress">told the number of images done, first of those that the cache has; in between an estimate by this process's own</param>
    /// <param name="cache">folder that keeps features, of any sets and networks; null keeps none</param>
    /// <exception cref="ProcessGroupUnavailableException">The processes do not see the same images or the same function.</exception>
    /// <exception cref="ImageSourceException">Too many images are unusable, or all of them.</exception>
    /// <exception cref="EvaluationException">The features are too many for one table or not finite, or the cache cannot be made.</exception>
    /// <exception cref="CheckpointException">A file of the cache is damaged or cannot be written.</exception>
    public static SharedFeatures Shared(
        EvaluationLoader loader, FeatureFunction function, ProcessGroup group, Action<int>? progress = null, string? cache = null)
    {
        ArgumentNullException.ThrowIfNull(loader);
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(group);
        return new PartwiseFeatures(loader, function, cache is null ? null : new FeatureStore(cache, loader, function), group).Take(progress);
    }

    /// <summary>Runs a backbone in evaluation mode and without gradients; afterwards it is in the mode it was in.</summary>
    /// <param name="backbone">on any device</param>
    /// <param name="images">normalised // float32 [B, C, H, W]</param>
    /// <returns>row-major // [B, D]</returns>
    /// <exception cref="EvaluationException">The features are not finite numbers.</exception>
    public static float[] Features(Backbone backbone, Tensor images) => Features(backbone, images, backbone.forward);

    internal static float[] Features(Backbone backbone, Tensor images, Func<Tensor, Tensor> of)
    {
        using var mode = new EvaluationMode(backbone);
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var features = of(images.to(backbone.parameters().First().device)); // [B, D]
        return features.isfinite().all().item<bool>()
            ? features.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray()
            : throw new EvaluationException("the features are not finite: the weights diverged or are not this backbone's");
    }
}
