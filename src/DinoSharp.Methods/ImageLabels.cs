using DinoSharp.Data;
using DinoSharp.Training;
using static TorchSharp.torch;

namespace DinoSharp.Methods;

/// <summary>The classes of the images that a method learns from.</summary>
public sealed class ImageLabels
{
    private readonly long[] _labels;

    /// <param name="labels">one an image, in 0 .. classes - 1</param>
    /// <param name="classes">number of classes C</param>
    public ImageLabels(long[] labels, int classes) => (_labels, Classes) = (labels, classes);

    /// <summary>Number of classes C.</summary>
    public int Classes { get; }

    /// <summary>The labels of a source's images.</summary>
    /// <exception cref="ImageSourceException">Some or all of the images have no label.</exception>
    public static ImageLabels Of(IImageSource source)
    {
        long[] labels = [.. Enumerable.Range(0, source.Count).Select(i => (long)source.LabelOf(i))];
        int without = labels.Count(label => label < 0);
        return without == 0
            ? new ImageLabels(labels, source.Classes.Count)
            : throw new ImageSourceException(
                source.Path,
                $"{without} of {labels.Length} images have no label; give class folders (CLASS/*.jpg) or a .csv with the columns path and label");
    }

    /// <summary>The labels of a batch's images.</summary>
    /// <returns>// int64 [B]</returns>
    public Tensor Of(TrainingBatch batch, Device device) => tensor([.. batch.Images.Select(i => _labels[i])], ScalarType.Int64, device);
}
