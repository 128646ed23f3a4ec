using System.Text.Json;
using Parquet.Schema;
using ParquetType = Parquet.Meta.Type;

namespace DinoSharp.Data;

/// <summary>
/// Which columns of a table are what. Hugging Face's <c>datasets</c> writes an image as a struct of <c>bytes</c> and <c>path</c>; others
/// write a plain column of bytes.
/// </summary>
/// <param name="Images">The images' bytes.</param>
/// <param name="Paths">What the images were called, if that is known.</param>
/// <param name="Labels">The classes: numbers or names.</param>
/// <param name="ClassNames">Names of the classes that are numbers, if the table has them.</param>
internal sealed record ParquetColumns(DataField Images, DataField? Paths, DataField? Labels, IReadOnlyList<string> ClassNames)
{
    private static readonly string[] ImageNames = ["image", "img", "bytes", "image_bytes", "jpg", "jpeg", "png", "webp"];

    private static readonly string[] LabelNames = ["label", "labels", "fine_label", "coarse_label", "class", "cls", "target"];

    /// <exception cref="InvalidDataException">The table has no images.</exception>
    public static ParquetColumns Find(ParquetSchema schema, IReadOnlyDictionary<string, string> metadata)
    {
        (Field? field, DataField? images) = FieldOfImages(schema);
        DataField? paths = field is StructField { Fields: var parts }
            ? parts.OfType<DataField>().FirstOrDefault(part => part.Name == "path" && IsText(part))
            : null;
        DataField? labels = LabelNames
            .Select(name => schema.Fields.OfType<DataField>().FirstOrDefault(column => column.Name == name && IsLabel(column)))
            .FirstOrDefault(column => column is not null);
        return images is null
            ? throw new InvalidDataException(
                $"it has no column of images (a struct of bytes and path, or bytes called {string.Join(", ", ImageNames)}), only "
                + string.Join(", ", schema.Fields.Take(5).Select(column => column.Name)))
            : new ParquetColumns(images, paths, labels, labels is null || IsText(labels) ? [] : NamesOfClasses(metadata, labels.Name));
    }

    /// <summary>Whether a column's bytes are marked as text.</summary>
    public static bool IsText(DataField column) => column.ClrType == typeof(ReadOnlyMemory<char>);

    private static (Field? Field, DataField? Images) FieldOfImages(ParquetSchema schema)
    {
        Field[] named = [.. ImageNames.SelectMany(name => schema.Fields.Where(field => field.Name == name))];
        foreach (Field field in named.Concat(schema.Fields.OfType<StructField>()))
        {
            DataField? images = field is StructField { Fields: var parts }
                ? parts.OfType<DataField>().FirstOrDefault(part => part.Name == "bytes")
                : field as DataField;
            if (images is { IsArray: false, MaxRepetitionLevel: 0, SchemaElement.Type: ParquetType.BYTE_ARRAY } && !IsText(images))
            {
                return (field, images);
            }
        }

        return (null, null);
    }

    private static bool IsLabel(DataField column) =>
        column is { IsArray: false, MaxRepetitionLevel: 0 }
        && (IsText(column) || column.SchemaElement?.Type is ParquetType.INT32 or ParquetType.INT64);

    /// <summary>What <c>datasets</c> notes of a column of the type ClassLabel: <c>info.features.COLUMN.names</c>.</summary>
    private static string[] NamesOfClasses(IReadOnlyDictionary<string, string> metadata, string column)
    {
        if (!metadata.TryGetValue("huggingface", out string? json))
        {
            return [];
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement element = document.RootElement;
            foreach (string name in (string[])["info", "features", column, "names"])
            {
                if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
                {
                    return [];
                }
            }

            return element.ValueKind == JsonValueKind.Array && element.EnumerateArray().All(name => name.ValueKind == JsonValueKind.String)
                ? [.. element.EnumerateArray().Select(name => name.GetString()!)]
                : [];
        }
        catch (JsonException error)
        {
            throw new InvalidDataException("its note of key 'huggingface' is no JSON", error);
        }
    }
}
