using System.Globalization;
using CsvHelper;
using DinoSharp.Checkpoints;

namespace DinoSharp.Evaluation.Features;

/// <summary>Feature tables as comma-separated text in the invariant culture, with a header line; no label is an empty field.</summary>
internal static class FeatureCsv
{
    /// <summary>path, label, f0, f1, ...: a line an image. Reading a number back gives the same float.</summary>
    public static void WriteFeatures(FeatureTable table, string path) => Write(path, csv =>
    {
        WriteHeader(csv, ["path", "label", .. Enumerable.Range(0, table.Dim).Select(d => $"f{d}")]);
        for (int row = 0; row < table.Rows; row++)
        {
            csv.WriteField(table.Names[row]);
            csv.WriteField(LabelOf(table, row));
            foreach (float value in table.Row(row))
            {
                csv.WriteField(value);
            }

            csv.NextRecord();
        }
    });

    /// <summary>path, label, class: what each row of a file is that holds numbers only.</summary>
    public static void WriteRows(FeatureTable table, string path) => Write(path, csv =>
    {
        WriteHeader(csv, ["path", "label", "class"]);
        for (int row = 0; row < table.Rows; row++)
        {
            long? label = LabelOf(table, row);
            csv.WriteField(table.Names[row]);
            csv.WriteField(label);
            csv.WriteField(label < table.Classes.Count ? table.Classes[(int)label.Value] : "");
            csv.NextRecord();
        }
    });

    private static long? LabelOf(FeatureTable table, int row) =>
        table.Labels.Length > 0 && table.Labels[row] >= 0 ? table.Labels[row] : null;

    private static void WriteHeader(CsvWriter csv, IEnumerable<string> columns)
    {
        foreach (string column in columns)
        {
            csv.WriteField(column);
        }

        csv.NextRecord();
    }

    private static void Write(string path, Action<CsvWriter> write) => AtomicFile.Write(path, stream =>
    {
        using StreamWriter text = new(stream, leaveOpen: true);
        using CsvWriter csv = new(text, CultureInfo.InvariantCulture, leaveOpen: true);
        write(csv);
    });
}
