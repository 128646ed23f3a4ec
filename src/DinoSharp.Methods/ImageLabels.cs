using DinoSharp.Cuda;
using DinoSharp.Data;
using DinoSharp.Training;
using static TorchSharp.torch;

namespace DinoSharp.Methods;

/// <summary>The classes of the images that a method learns from.</summary>
public sealed class ImageLabels : IImageTargets
{
    private readonly long[] _labels;

    /// <param name="labels">one an image, in 0 .. classes - 1</param>
    /// <param name="classes">number of classes C</param>
    public ImageLabels(long[] labels, int classes) => (_labels, Classes) = (labels, classes);

    public int Classes { get; }

    public IReadOnlyList<string> Names { get; private init; } = [];

    /// <summary>What holds the images, for messages; empty where they are in no file.</summary>
    public string Path { get; private init; } = "";

    /// <summary>The label of an image.</summary>
    public long this[long image] => _labels[image];

    /// <summary>The labels of a source's images.</summary>
    /// <exception cref="ImageSourceException">Some or all of the images have no label.</exception>
    public static ImageLabels Of(IImageSource source)
    {
        long[] labels = [.. Enumerable.Range(0, source.Count).Select(i => (long)source.LabelOf(i))];
        int without = labels.Count(label => label < 0);
        return without == 0
            ? new ImageLabels(labels, source.Classes.Count) { Names = source.Classes, Path = source.Path }
            : throw new ImageSourceException(
                source.Path,
                $"{without} of {labels.Length} images have no label; give class folders (CLASS/*.jpg) or a .csv with the columns path and label");
    }

    /// <summary>The labels of a batch's images.</summary>
    /// <returns>// int64 [B]</returns>
    public Tensor Of(TrainingBatch batch, Device device) => tensor([.. batch.Images.Select(i => _labels[i])], ScalarType.Int64).Bring(device);

    public Tensor Targets(TrainingBatch batch, Device device)
    {
        using var scope = NewDisposeScope();
        return nn.functional.one_hot(Of(batch, device), Classes).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }
}
