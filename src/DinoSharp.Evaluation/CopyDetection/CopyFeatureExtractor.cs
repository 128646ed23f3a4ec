using DinoSharp.Checkpoints;
using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Evaluation.Features;
using DinoSharp.Models.Backbones;

namespace DinoSharp.Evaluation.CopyDetection;

/// <summary>Features of the images of a source that could be used.</summary>
/// <param name="Features">a row an image; each of the processes has its share // [N, F]</param>
/// <param name="Indices">which image of the source each row is</param>
/// <param name="Faults">the images that could not be used</param>
public sealed record ImageFeatures(SharedFeatures Features, IReadOnlyList<int> Indices, IReadOnlyList<Fault> Faults);

/// <summary>Takes <see cref="CopyFeatures"/> of sets of images.</summary>
/// <param name="backbone">stays the caller's; on any device</param>
/// <param name="side">side of the square that whole images are made to, in pixels</param>
/// <param name="loading">how images are loaded</param>
/// <param name="cache">folder that keeps features, so that work that was cut off goes on where it stood; null keeps none</param>
/// <param name="group">the processes that share the work; null for this one alone</param>
public sealed class CopyFeatureExtractor(
    Backbone backbone, int side, LoaderOptions loading, string? cache = null, ProcessGroup? group = null)
{
    /// <summary>Side of the published evaluation (arXiv 2104.14294, table 4).</summary>
    public const int PublishedSide = 320;

    private readonly FeatureFunction _function = FeatureFunction.Of(
        backbone, "copy detection", CopyFeatures.DimOf(backbone), images => CopyFeatures.Of(backbone, images));

    /// <summary>The features of all usable images of a source, in its order. They are in memory: F values of 4 bytes an image.</summary>
    /// <param name="source">stays the caller's</param>
    /// <param name="progress">told the number of images done, first of those that the cache has</param>
    /// <param name="complete">whether every image has to be usable, whatever share the loading allows</param>
    /// <exception cref="ImageSourceException">Too many images are unusable, or all of them.</exception>
    /// <exception cref="EvaluationException">The features are not finite, or too many for one table.</exception>
    /// <exception cref="CheckpointException">A file of the cache is damaged or cannot be written.</exception>
    public ImageFeatures Of(IImageSource source, Action<int>? progress = null, bool complete = false)
    {
        ArgumentNullException.ThrowIfNull(source);
        EvaluationLoader loader = new(
            source, new SquashRecipe(side), complete ? loading with { FaultShareLimit = 0 } : loading);
        var features = FeatureExtractor.Shared(loader, _function, group ?? ProcessGroup.Alone, progress, cache);
        var faults = loader.Faults.Faults;
        return new ImageFeatures(features, [.. Enumerable.Range(0, source.Count).Except(faults.Select(fault => fault.Index))], faults);
    }
}
