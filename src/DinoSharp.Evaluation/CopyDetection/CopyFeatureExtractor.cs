using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.CopyDetection;

/// <summary>Features of the images of a source that could be used.</summary>
/// <param name="Table">a row an image // [N, F]</param>
/// <param name="Indices">which image of the source each row is</param>
/// <param name="Faults">the images that could not be used</param>
public sealed record ImageFeatures(FeatureTable Table, IReadOnlyList<int> Indices, IReadOnlyList<Fault> Faults);

/// <summary>
/// Takes <see cref="CopyFeatures"/> of sets of images. With a store each part of them is on disk once it is done, and work that was
/// interrupted goes on behind the last part.
/// </summary>
/// <param name="backbone">stays the caller's; on any device</param>
/// <param name="side">side of the square that whole images are made to, in pixels</param>
/// <param name="loading">how images are loaded</param>
/// <param name="storeFolder">where parts are kept; null keeps none</param>
public sealed class CopyFeatureExtractor(Backbone backbone, int side, LoaderOptions loading, string? storeFolder = null)
{
    /// <summary>Side of the published evaluation (arXiv 2104.14294, table 4).</summary>
    public const int PublishedSide = 320;

    /// <summary>Images a part: some minutes of work, a few megabytes.</summary>
    private const int PartImages = 512;

    private readonly Lazy<string> _network = new(() => FeatureStore.FingerprintOf(backbone));

    /// <summary>The features of all usable images of a source, in its order. They are in memory: F values of 4 bytes an image.</summary>
    /// <param name="source">stays the caller's</param>
    /// <param name="progress">told the number of images done, first of those that the store has</param>
    /// <param name="complete">whether every image has to be usable, whatever share the loading allows</param>
    /// <exception cref="ImageSourceException">Too many images are unusable, or all of them.</exception>
    /// <exception cref="EvaluationException">The features are not finite, or too many for one table.</exception>
    public ImageFeatures Of(IImageSource source, Action<int>? progress = null, bool complete = false)
    {
        ArgumentNullException.ThrowIfNull(source);
        int dim = CopyFeatures.DimOf(backbone);
        if ((long)source.Count * dim > Array.MaxLength)
        {
            throw new EvaluationException($"{source.Path}: {source.Count} features of {dim} values are more than one table holds; take fewer images");
        }

        var store = storeFolder is null
            ? null
            : new FeatureStore(storeFolder, FeatureStore.KeyOf(source, $"{_network.Value} {side} {loading.Decoding}"), dim);
        FeaturePart whole = new(new float[source.Count * dim], dim);
        while (store?.Read(whole.Covered) is { } part)
        {
            whole.Append(part);
        }

        double faultShare = complete ? 0 : loading.FaultShareLimit;
        ThrowIfFaulty(source, whole.Faults, faultShare);
        progress?.Invoke(whole.Covered);
        if (whole.Covered < source.Count)
        {
            Compute(source, whole, store, faultShare, progress);
        }

        return whole.Indices.Count > 0
            ? new ImageFeatures(
                new FeatureTable([.. whole.Indices.Select(source.NameOf)], [], [], whole.Used(), dim), whole.Indices, whole.Faults)
            : throw new ImageSourceException(source.Path, "none of its images can be used");
    }

    private void Compute(IImageSource source, FeaturePart whole, FeatureStore? store, double faultShare, Action<int>? progress)
    {
        int first = whole.Covered;
        using SubsetSource rest = new(source, [.. Enumerable.Range(first, source.Count - first)]);
        EvaluationLoader loader = new(rest, new SquashRecipe(side), loading with { FaultShareLimit = 1 }); // judged here, of all images
        FeaturePart part = New(first);
        foreach (var batch in loader.Batches())
        {
            int covered = Math.Min(source.Count, part.Covered + loading.BatchSize);
            using (batch)
            {
                if (batch.Indices.Count > 0)
                {
                    part.Add(batch.Indices.Select(index => index + first), Features(batch.Pixels));
                }
            }

            TorchRuntime.Sweep();
            part.Cover(covered, loader.Faults.Faults.Select(fault => fault with { Index = fault.Index + first }));
            ThrowIfFaulty(source, [.. whole.Faults, .. part.Faults], faultShare);
            progress?.Invoke(covered);
            if (covered - part.Start >= PartImages || covered == source.Count)
            {
                store?.Write(part);
                whole.Append(part);
                part = New(covered);
            }
        }

        FeaturePart New(int start) => new(new float[(PartImages + loading.BatchSize) * whole.Dim], whole.Dim, start);
    }

    private static void ThrowIfFaulty(IImageSource source, IReadOnlyList<Fault> faults, double share)
    {
        FaultLog log = new();
        foreach (var fault in faults)
        {
            log.Add(fault.Index, fault.Name, fault.Reason);
        }

        log.ThrowIfMoreThan(share, source);
    }

    private float[] Features(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var images = PixelNormalization.For(backbone.InputChannels).Apply(pixels, backbone.parameters().First().device); // [B, C, H, W]
        var features = CopyFeatures.Of(backbone, images); // [B, F]
        return features.isfinite().all().item<bool>()
            ? features.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray()
            : throw new EvaluationException("the features are not finite: the weights diverged or are not this backbone's");
    }
}
