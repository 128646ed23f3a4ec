using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Models;

namespace DinoSharp.Evaluation.Features;

/// <summary>
/// The features of a source in the making, by one process or several. With a store each part of them is on disk once it is done, and what the
/// store has is taken from there.
/// </summary>
/// <param name="loader">the images; what it could not use is in its faults, what the store and other ranks say of them included</param>
/// <param name="function">what is computed of them</param>
/// <param name="store">of the same images and function; null keeps nothing</param>
/// <param name="group">the processes that share the work</param>
internal sealed class PartwiseFeatures(EvaluationLoader loader, FeatureFunction function, FeatureStore? store, ProcessGroup group)
{
    private float[] _values = [];
    private int _rows;

    /// <summary>The features of all usable images, in the source's order.</summary>
    /// <param name="progress">told the number of images done, first of those that the store has; of several processes an estimate by this one</param>
    public SharedFeatures Take(Action<int>? progress)
    {
        if (group.Size > 1)
        {
            var work = SharedWork.Identity(loader.Source, $"{function.Identity}, {loader.View}, {loader.BatchSize} at once");
            work["cache"] = store?.Key; // of the images' files as this process sees them
            RankAgreement.Require(group, work);
        }

        var parts = ImagePart.All(loader, store, group);
        var own = ImagePart.OfRank(parts, group);
        _values = Room(own.Sum(part => part.End - part.Start)); // from the first part on: parts beside their whole would take the memory twice
        int before = parts.Where(part => part.Stored).Sum(part => part.End - part.Start), missing = loader.Source.Count - before;
        int computed = 0, toCompute = own.Where(part => !part.Stored).Sum(part => part.End - part.Start);
        progress?.Invoke(before);
        for (int i = 0; i < own.Length;)
        {
            if (own[i].Stored)
            {
                Add(store!.Read(own[i++].Start));
            }
            else
            {
                var run = own[i..].TakeWhile(part => !part.Stored).ToArray();
                Compute(run, images => progress?.Invoke(before + (int)((long)missing * (computed += images) / toCompute)));
                i += run.Length;
            }
        }

        ShareFaults();
        progress?.Invoke(loader.Source.Count);
        return Result();
    }

    private float[] Room(int images) => (long)images * function.Dim <= Array.MaxLength
        ? new float[images * function.Dim]
        : throw new EvaluationException($"{loader.Source.Path}: {images} features of {function.Dim} values are more than one "
            + "table holds; take fewer images or smaller ones");

    private void Add(FeaturePart part)
    {
        Add(part.Values.Span);
        loader.Note(part.Faults);
    }

    private void Add(ReadOnlySpan<float> rows)
    {
        rows.CopyTo(_values.AsSpan(_rows * function.Dim));
        _rows += rows.Length / function.Dim;
    }

    /// <summary>Computes parts that follow one another, so that their images are loaded in one go.</summary>
    private void Compute(ImagePart[] parts, Action<int> progress)
    {
        int part = 0, row = _rows;
        List<int> indices = [];
        foreach (var batch in loader.Batches(parts[0].Start, parts[^1].End))
        {
            using (batch)
            {
                if (batch.Indices.Count > 0)
                {
                    Add(function.Of(batch.Pixels));
                    indices.AddRange(batch.Indices);
                }
            }

            TorchRuntime.Sweep();
            if (batch.End == parts[part].End)
            {
                store?.Write(PartOf(parts[part++], row, [.. indices]));
                row = _rows;
                indices.Clear();
            }

            progress(batch.End - batch.First);
        }
    }

    private FeaturePart PartOf(ImagePart part, int row, int[] indices)
    {
        Fault[] faults = [.. loader.Faults.Faults.Where(fault => fault.Index >= part.Start && fault.Index < part.End)];
        return new FeaturePart(part.Start, part.End, indices, _values.AsMemory(row * function.Dim, indices.Length * function.Dim), faults);
    }

    private void ShareFaults()
    {
        if (group.Size > 1)
        {
            loader.Note(SharedWork.Faults(group, loader.Faults.Faults));
        }
    }

    private SharedFeatures Result()
    {
        var source = loader.Source;
        HashSet<int> unusable = [.. loader.Faults.Faults.Select(fault => fault.Index)];
        int[] indices = [.. Enumerable.Range(0, source.Count).Where(image => !unusable.Contains(image))];
        Array.Resize(ref _values, _rows * function.Dim); // shorter by the images that could not be used
        return indices.Length > 0
            ? new SharedFeatures(
                [.. indices.Select(source.NameOf)],
                source.Classes.Count == 0 ? [] : [.. indices.Select(image => (long)source.LabelOf(image))],
                source.Classes,
                new SharedRows(group, _values, function.Dim))
            : throw new ImageSourceException(source.Path, "none of its images can be used");
    }
}
