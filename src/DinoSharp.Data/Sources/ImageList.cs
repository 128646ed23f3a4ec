using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace DinoSharp.Data;

/// <summary>Lists of image files: a table with a column of paths, or plain lines. Paths are relative to the list's folder.</summary>
internal static class ImageList
{
    /// <summary>Opens a <c>.csv</c> whose header has <c>path</c> and, if the images have classes, <c>label</c>.</summary>
    public static FileSource OpenTable(string path)
    {
        CsvConfiguration configuration = new(CultureInfo.InvariantCulture)
        {
            PrepareHeaderForMatch = arguments => arguments.Header.Trim().ToLowerInvariant(),
            TrimOptions = TrimOptions.Trim,
        };
        using StreamReader text = new(path);
        using CsvReader table = new(text, configuration);
        try
        {
            return ReadTable(path, table);
        }
        catch (CsvHelperException error)
        {
            throw new ImageSourceException(path, $"line {table.Parser.RawRow} is no well-formed CSV; correct it", error);
        }
    }

    /// <summary>Opens a <c>.txt</c> with a path a line.</summary>
    public static FileSource OpenLines(string path) =>
        Open(path, ImageListing.Unlabelled([.. File.ReadLines(path).Select(line => line.Trim()).Where(line => line.Length > 0)]));

    private static FileSource ReadTable(string path, CsvReader table)
    {
        bool hasHeader = table.Read() && table.ReadHeader();
        int pathColumn = hasHeader ? table.GetFieldIndex("path", isTryGet: true) : -1;
        if (pathColumn < 0)
        {
            throw new ImageSourceException(path, "its first line names no column 'path'; it must read: path or path,label");
        }

        int labelColumn = table.GetFieldIndex("label", isTryGet: true);
        List<string> names = [], labels = [];
        while (table.Read())
        {
            names.Add(Field(path, table, pathColumn, "path"));
            if (labelColumn >= 0)
            {
                labels.Add(Field(path, table, labelColumn, "label"));
            }
        }

        return Open(path, labelColumn < 0 ? ImageListing.Unlabelled(names) : ImageListing.Labelled(names, labels));
    }

    private static string Field(string path, CsvReader table, int column, string name) =>
        table.TryGetField(column, out string? value) && !string.IsNullOrEmpty(value)
            ? value
            : throw new ImageSourceException(path, $"line {table.Parser.RawRow} has no {name}; complete it or take it out");

    private static FileSource Open(string path, ImageListing listing) => listing.Names.Count > 0
        ? new FileSource(path, Path.GetDirectoryName(Path.GetFullPath(path))!, listing)
        : throw new ImageSourceException(path, "the list is empty; give it one image file a line");
}
