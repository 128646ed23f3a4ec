using System.Text.Json;
using DinoSharp.Checkpoints;

namespace DinoSharp.Evaluation.Features;

/// <summary>
/// Feature tables as safetensors: <c>features</c> [N, D], <c>labels</c> [N] if there are any, and in the metadata <c>names</c> and
/// <c>classes</c> as JSON lists.
/// </summary>
internal static class FeatureSafetensors
{
    // The format allows a header of 100 MB; the metadata are most of it.
    private const int MaxMetadataBytes = 95_000_000;

    /// <summary>Makes sure that a file can hold a table, before the work of it.</summary>
    /// <param name="path">the file</param>
    /// <param name="names">one an image</param>
    /// <param name="classes">the name of each label</param>
    /// <param name="dim">length D of a feature</param>
    /// <exception cref="EvaluationException">The table is too large for the format.</exception>
    public static void RequireRoom(string path, IReadOnlyList<string> names, IReadOnlyList<string> classes, int dim) =>
        _ = Metadata(path, names, classes, dim);

    /// <param name="table">what to write</param>
    /// <param name="path">the file, written whole or not at all</param>
    /// <param name="texts">what else stands in the metadata, by name</param>
    public static void Write(FeatureTable table, string path, IReadOnlyDictionary<string, string>? texts = null)
    {
        var metadata = Metadata(path, table.Names, table.Classes, table.Dim);
        foreach (var (name, text) in texts ?? new Dictionary<string, string>())
        {
            metadata[name] = text;
        }

        var arrays = new NamedArrays();
        arrays.Add("features", ArrayData.FromFloat32(table.Values, table.Rows, table.Dim));
        if (table.Labels.Length > 0)
        {
            arrays.Add("labels", ArrayData.FromInt64(table.Labels, table.Rows));
        }

        SafetensorsFile.Write(path, arrays, metadata);
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="CheckpointException">The file is missing or damaged.</exception>
    /// <exception cref="EvaluationException">It holds no features with their names.</exception>
    public static FeatureTable Read(string path, out IReadOnlyDictionary<string, string> texts)
    {
        var arrays = SafetensorsFile.Read(path, out texts);
        try
        {
            if (!arrays.TryGet("features", out var features) || features.Shape is not [_, > 0 and <= int.MaxValue and var dim]
                || !texts.TryGetValue("names", out string? names))
            {
                throw new EvaluationException($"{path}: holds no features with names; write them with dino embed or dino retrieval");
            }

            long[] labels = arrays.TryGet("labels", out var numbers) ? numbers.ToInt64() : [];
            string classes = texts.TryGetValue("classes", out string? list) ? list : "[]";
            return new FeatureTable(Texts(names), labels, Texts(classes), features.ToFloat32(), (int)dim);
        }
        catch (Exception error) when (error is JsonException or ArgumentException or InvalidOperationException)
        {
            throw new EvaluationException($"{path}: its features, labels and names do not fit together; write it anew", error);
        }
    }

    /// <summary>Names and classes, if a file can hold them and their features.</summary>
    private static Dictionary<string, string> Metadata(string path, IReadOnlyList<string> names, IReadOnlyList<string> classes, int dim)
    {
        // Names alone first: their JSON may be more than one text holds.
        if ((long)names.Count * dim * sizeof(float) <= Array.MaxLength && names.Sum(name => (long)name.Length) <= MaxMetadataBytes)
        {
            var metadata = new Dictionary<string, string>
            {
                ["names"] = JsonSerializer.Serialize(names),
                ["classes"] = JsonSerializer.Serialize(classes),
            };
            if (JsonSerializer.SerializeToUtf8Bytes(metadata).Length <= MaxMetadataBytes)
            {
                return metadata;
            }
        }

        throw new EvaluationException(
            $"{path}: {names.Count} features of {dim} values are too many for one .safetensors file; "
            + "take fewer images, or write .npy with dino embed");
    }

    private static string[] Texts(string json) => JsonSerializer.Deserialize<string[]>(json) ?? [];
}
