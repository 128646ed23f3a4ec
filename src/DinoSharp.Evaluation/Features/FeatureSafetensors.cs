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

    /// <param name="table">what to write</param>
    /// <param name="path">the file, written whole or not at all</param>
    /// <param name="texts">what else stands in the metadata, by name</param>
    public static void Write(FeatureTable table, string path, IReadOnlyDictionary<string, string>? texts = null)
    {
        var metadata = new Dictionary<string, string>(texts ?? new Dictionary<string, string>())
        {
            ["names"] = JsonSerializer.Serialize(table.Names),
            ["classes"] = JsonSerializer.Serialize(table.Classes),
        };
        if ((long)table.Values.Length * sizeof(float) > Array.MaxLength
            || JsonSerializer.SerializeToUtf8Bytes(metadata).Length > MaxMetadataBytes)
        {
            throw new EvaluationException($"{path}: {table.Rows} features are too many for .safetensors; write them as .npy");
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

    private static string[] Texts(string json) => JsonSerializer.Deserialize<string[]>(json) ?? [];
}
