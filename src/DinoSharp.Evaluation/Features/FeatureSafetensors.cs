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

    public static void Write(FeatureTable table, string path)
    {
        var metadata = new Dictionary<string, string>
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
}
