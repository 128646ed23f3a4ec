using DinoSharp.Data;
using DinoSharp.Models;

namespace DinoSharp.Evaluation.Features;

/// <summary>
/// The features of a source in the making. With a store each part of them is on disk once it is done, and what the store has is taken
/// from there. Parts end where batches do, so that work that goes on computes in the batches of work that never stopped, to the bit.
/// </summary>
/// <param name="loader">the images; what it could not use is in its faults, what the store says of them included</param>
/// <param name="function">what is computed of them</param>
/// <param name="store">of the same images and function; null keeps nothing</param>
internal sealed class PartwiseFeatures(EvaluationLoader loader, FeatureFunction function, FeatureStore? store)
{
    /// <summary>Images a part: some minutes of a CPU, a few megabytes.</summary>
    private const int PartImages = 512;

    // For all images from the first on: parts beside their whole would take the memory twice.
    private readonly float[] _values = (long)loader.Source.Count * function.Dim <= Array.MaxLength
        ? new float[loader.Source.Count * function.Dim]
        : throw new EvaluationException($"{loader.Source.Path}: {loader.Source.Count} features of {function.Dim} values are more than one "
            + "table holds; take fewer images or smaller ones");

    private readonly List<int> _indices = [];
    private int _done;

    /// <summary>The features of all usable images, in the source's order.</summary>
    /// <param name="progress">told the number of images done, first of those that the store has</param>
    public FeatureTable Take(Action<int>? progress)
    {
        var source = loader.Source;
        TakeStored();
        progress?.Invoke(_done);
        while (_done < source.Count)
        {
            Compute(progress);
            TakeStored();
        }

        float[] values = _values;
        Array.Resize(ref values, _indices.Count * function.Dim); // shorter by the images that could not be used
        return _indices.Count > 0
            ? new FeatureTable(
                [.. _indices.Select(source.NameOf)],
                source.Classes.Count == 0 ? [] : [.. _indices.Select(i => (long)source.LabelOf(i))],
                source.Classes,
                values,
                function.Dim)
            : throw new ImageSourceException(source.Path, "none of its images can be used");
    }

    private void TakeStored()
    {
        while (store?.Read(_done) is { } part)
        {
            Add(part.Indices, part.Values.Span);
            loader.Note(part.Faults);
            _done = part.End;
        }
    }

    /// <summary>Goes on to the end, or to where the store has the next part: one between may have been deleted.</summary>
    private void Compute(Action<int>? progress)
    {
        int start = _done, row = _indices.Count;
        foreach (var batch in loader.Batches(_done))
        {
            using (batch)
            {
                if (batch.Indices.Count > 0)
                {
                    Add(batch.Indices, function.Of(batch.Pixels));
                }

                _done = batch.End;
            }

            TorchRuntime.Sweep();
            if (store is not null && (_done - start >= PartImages || _done == loader.Source.Count))
            {
                store.Write(Part(start, row));
                (start, row) = (_done, _indices.Count);
            }

            progress?.Invoke(_done);
            if (start == _done && store!.Has(_done))
            {
                return;
            }
        }
    }

    private FeaturePart Part(int start, int row)
    {
        int[] indices = [.. _indices.Skip(row)];
        Fault[] faults = [.. loader.Faults.Faults.Where(fault => fault.Index >= start && fault.Index < _done)];
        return new FeaturePart(start, _done, indices, _values.AsMemory(row * function.Dim, indices.Length * function.Dim), faults);
    }

    private void Add(IReadOnlyCollection<int> images, ReadOnlySpan<float> rows)
    {
        rows.CopyTo(_values.AsSpan(_indices.Count * function.Dim, images.Count * function.Dim));
        _indices.AddRange(images);
    }
}
