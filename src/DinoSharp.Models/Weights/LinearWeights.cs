using DinoSharp.Checkpoints;

namespace DinoSharp.Models.Weights;

/// <summary>
/// The linear layer of an evaluation of frozen features, in a file laid out as the reference's (<c>state_dict</c> with
/// <c>module.linear.weight</c> and <c>module.linear.bias</c>), so that either program reads the other's. What the reference has no place
/// for stands beside: classes, features, size of the views.
/// </summary>
public sealed record LinearWeights
{
    private const string WeightName = "module.linear.weight";
    private const string BiasName = "module.linear.bias";
    private const string LastBlocksName = "n_last_blocks";
    private const string AverageName = "avgpool_patchtokens";

    /// <summary>The file.</summary>
    public required string Path { get; init; }

    /// <summary>// [C, D]</summary>
    public required ArrayData Weight { get; init; }

    /// <summary>// [C]</summary>
    public required ArrayData Bias { get; init; }

    /// <summary>The classes' names; null where the file does not say.</summary>
    public IReadOnlyList<string>? Classes { get; init; }

    /// <summary>What of the network the layer is given; null where the file does not say: the published choice for the network.</summary>
    public ProbeFeatures? Features { get; init; }

    /// <summary>Side of the views it was trained with; null where the file does not say.</summary>
    public int? ImageSize { get; init; }

    /// <summary>Top-1 on the images held out, in percent; null where the file does not say.</summary>
    public double? Accuracy { get; init; }

    /// <summary>Reads a file of ours or of the reference.</summary>
    /// <exception cref="CheckpointException">One line: the file is missing, damaged or holds something else.</exception>
    public static LinearWeights Read(string path)
    {
        var root = TorchFile.Read(path) as OrderedDictionary<object, object?>
            ?? throw new CheckpointException($"{path}: holds no dictionary of tensors");
        var state = root.TryGetValue("state_dict", out object? inner) && inner is OrderedDictionary<object, object?> found ? found : root;
        return new LinearWeights
        {
            Path = path,
            Weight = Layer(WeightName),
            Bias = Layer(BiasName),
            Classes = root.TryGetValue(ImageClassifier.ClassesName, out object? names) && names is List<object?> list
                ? [.. list.OfType<string>()]
                : null,
            Features = root.TryGetValue(LastBlocksName, out object? blocks) && blocks is long count and > 0 and < 1000
                && root.TryGetValue(AverageName, out object? average) && average is bool averages
                    ? new ProbeFeatures((int)count, averages)
                    : null,
            ImageSize = root.TryGetValue(ImageClassifier.ImageSizeName, out object? size) ? (int?)(size as long?) : null,
            Accuracy = root.TryGetValue("best_acc", out object? accuracy) ? accuracy as double? : null,
        };

        ArrayData Layer(string name) =>
            (state.TryGetValue(name, out object? value) || state.TryGetValue(name.Replace("module.", "", StringComparison.Ordinal), out value))
            && value is ArrayData array
                ? array
                : throw new CheckpointException($"{path}: no '{name}' inside: this is not the classifier of a linear evaluation");
    }

    /// <summary>Writes the file whole or not at all.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public void Write()
    {
        var root = new OrderedDictionary<object, object?>
        {
            ["state_dict"] = new OrderedDictionary<object, object?> { [WeightName] = Weight, [BiasName] = Bias },
        };
        if (Features is { } features)
        {
            root.Add(LastBlocksName, (long)features.LastBlocks);
            root.Add(AverageName, features.AveragePatches);
        }

        if (Classes is { } classes)
        {
            root.Add(ImageClassifier.ClassesName, classes.Select(name => (object?)name).ToList());
        }

        if (ImageSize is { } size)
        {
            root.Add(ImageClassifier.ImageSizeName, (long)size);
        }

        if (Accuracy is { } accuracy)
        {
            root.Add("best_acc", accuracy);
        }

        TorchFile.Write(Path, root);
    }
}
