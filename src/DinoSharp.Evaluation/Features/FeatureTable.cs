using DinoSharp.Checkpoints;

namespace DinoSharp.Evaluation.Features;

/// <summary>Features of a set of images, with what belongs to each row. Nothing is copied.</summary>
public sealed class FeatureTable
{
    /// <param name="names">one an image: its path</param>
    /// <param name="labels">one an image, -1 where there is none; empty if the set has no labels</param>
    /// <param name="classes">the name of each label; empty if there are none</param>
    /// <param name="values">row-major // [N, D]</param>
    /// <param name="dim">length D of a feature</param>
    /// <exception cref="ArgumentException">The lengths do not fit.</exception>
    public FeatureTable(IReadOnlyList<string> names, long[] labels, IReadOnlyList<string> classes, float[] values, int dim)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dim, 1);
        if ((long)names.Count * dim != values.Length)
        {
            throw new ArgumentException($"{names.Count} features of length {dim} are not {values.Length} values", nameof(values));
        }

        if (labels.Length != 0 && labels.Length != names.Count)
        {
            throw new ArgumentException($"{names.Count} images need as many labels, not {labels.Length}", nameof(labels));
        }

        (Names, Labels, Classes, Values, Dim) = (names, labels, classes, values, dim);
    }

    /// <summary>The images' paths.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The images' labels, -1 where there is none; empty if the set has no labels.</summary>
    public long[] Labels { get; }

    /// <summary>The name of each label; empty if there are none.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>All features, row-major // [N, D]</summary>
    public float[] Values { get; }

    /// <summary>Length D of a feature.</summary>
    public int Dim { get; }

    /// <summary>Images N.</summary>
    public int Rows => Names.Count;

    /// <summary>The feature of an image.</summary>
    public ReadOnlySpan<float> Row(int index) => Values.AsSpan(index * Dim, Dim);

    /// <summary>Whether <see cref="Save"/> knows the format of a path's ending.</summary>
    public static bool CanBeSavedAs(string path) => Path.GetExtension(path).ToLowerInvariant() is ".safetensors" or ".npy" or ".csv";

    /// <summary>Makes sure, before the work of it, that a table can be saved in the format of a path's ending.</summary>
    /// <param name="path">the file</param>
    /// <param name="names">the images' paths</param>
    /// <param name="classes">the name of each label</param>
    /// <param name="dim">length D of a feature</param>
    /// <exception cref="EvaluationException">It is too large for the format.</exception>
    public static void RequireRoom(string path, IReadOnlyList<string> names, IReadOnlyList<string> classes, int dim)
    {
        if (Path.GetExtension(path).Equals(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            FeatureSafetensors.RequireRoom(path, names, classes, dim);
        }
    }

    /// <summary>
    /// Writes the table whole or not at all, in the format of the path's ending: <c>.safetensors</c> (features and labels as arrays, names
    /// and classes as JSON in the metadata), <c>.npy</c> (the features; what the rows are stands in a <c>.paths.csv</c> beside it) or
    /// <c>.csv</c> (a line an image).
    /// </summary>
    /// <exception cref="EvaluationException">The ending is none of these, or the table is too large for the format.</exception>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public void Save(string path)
    {
        switch (Path.GetExtension(path).ToLowerInvariant())
        {
            case ".safetensors":
                FeatureSafetensors.Write(this, path);
                break;
            case ".npy":
                FeatureCsv.WriteRows(this, Path.ChangeExtension(path, ".paths.csv"));
                NumpyFile.Write(path, Values, Rows, Dim);
                break;
            case ".csv":
                FeatureCsv.WriteFeatures(this, path);
                break;
            default:
                throw new EvaluationException($"{path}: features are written as .safetensors, .npy or .csv; choose one of these endings");
        }
    }
}
