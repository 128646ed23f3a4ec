using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace DinoSharp.Data;

/// <summary>Lists of image files: a table with a column of paths, or plain lines. Paths are relative to the list's folder.</summary>
internal static class ImageList
{
    /// <summary>
    /// Opens a <c>.csv</c>, or a <c>.tsv</c> with tabs for commas, whose header has <c>path</c> and, if the images have classes,
    /// <c>label</c>.
    /// </summary>
    public static FileSource OpenTable(string path)
    {
        bool tabs = Path.GetExtension(path).Equals(".tsv", StringComparison.OrdinalIgnoreCase);
        CsvConfiguration configuration = new(CultureInfo.InvariantCulture)
        {
            Delimiter = tabs ? "\t" : ",",
            PrepareHeaderForMatch = arguments => arguments.Header.Trim().ToLowerInvariant(),
            TrimOptions = TrimOptions.Trim,
        };
        using StreamReader text = new(path);
        using CsvReader table = new(text, configuration);
        try
        {
            return ReadTable(path, table, tabs ? "path<TAB>label" : "path,label");
        }
        catch (CsvHelperException error)
        {
            string kind = tabs ? "TSV" : "CSV";
            throw new ImageSourceException(path, $"line {table.Parser.RawRow} is no well-formed {kind}; correct it", error);
        }
    }

    /// <summary>
    /// Opens a <c>.txt</c> with a path a line. A path may be followed by the image's class, behind a tab, or behind a space if it is a
    /// number, as in ImageNet's val.txt; then every line must have one. Where the first line as a whole is a file's path, the
    /// lines are paths and nothing else.
    /// </summary>
    public static FileSource OpenLines(string path)
    {
        NameTable names = new();
        ClassColumn classes = new();
        string folder = FolderOf(path);
        bool? labelled = null;
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            string trimmed = line.Trim();
            RefuseControls(path, number, trimmed);
            int end = EndOfPath(trimmed);
            labelled ??= end < trimmed.Length && !File.Exists(Path.Combine(folder, trimmed));
            if (labelled == true && end == trimmed.Length)
            {
                throw new ImageSourceException(path, $"line {number} has no label, as those before it have; complete it or take it out");
            }

            names.Add(labelled == true ? trimmed[..end].TrimEnd() : trimmed);
            if (labelled == true)
            {
                classes.Add(trimmed.AsSpan(end + 1).Trim());
            }
        }

        return Open(path, names, labelled == true ? classes : null);
    }

    private static FileSource ReadTable(string path, CsvReader table, string example)
    {
        bool hasHeader = table.Read() && table.ReadHeader();
        RefuseControls(path, 1, string.Concat(table.HeaderRecord ?? []));
        int pathColumn = hasHeader ? table.GetFieldIndex("path", isTryGet: true) : -1;
        if (pathColumn < 0)
        {
            throw new ImageSourceException(path, $"its first line names no column 'path'; it must read: path or {example}");
        }

        int labelColumn = table.GetFieldIndex("label", isTryGet: true);
        NameTable names = new();
        ClassColumn classes = new();
        while (table.Read())
        {
            names.Add(Field(path, table, pathColumn, "path"));
            if (labelColumn >= 0)
            {
                classes.Add(Field(path, table, labelColumn, "label"));
            }
        }

        return Open(path, names, labelColumn < 0 ? null : classes);
    }

    /// <summary>Where a line's label begins: at the last tab, or at the space before an integer at its end.</summary>
    private static int EndOfPath(string line)
    {
        int tab = line.LastIndexOf('\t');
        if (tab > 0)
        {
            return tab;
        }

        int space = line.LastIndexOf(' ');
        return space > 0 && int.TryParse(line.AsSpan(space + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)
            ? space
            : line.Length;
    }

    private static string Field(string path, CsvReader table, int column, string name)
    {
        if (!table.TryGetField(column, out string? value) || string.IsNullOrEmpty(value))
        {
            throw new ImageSourceException(path, $"line {table.Parser.RawRow} has no {name}; complete it or take it out");
        }

        RefuseControls(path, table.Parser.RawRow, value);
        return value;
    }

    /// <summary>
    /// A list in UTF-16 without a mark of that is full of zeros, which no path has; other control characters would garble messages.
    /// </summary>
    private static void RefuseControls(string path, int line, string text)
    {
        if (text.Any(letter => char.IsControl(letter) && letter != '\t'))
        {
            throw new ImageSourceException(path, $"line {line} has control characters; save the list as UTF-8, or correct the line");
        }
    }

    private static FileSource Open(string path, NameTable names, ClassColumn? classes)
    {
        if (names.Count == 0)
        {
            throw new ImageSourceException(path, "the list is empty; give it one image file a line");
        }

        NameTable trimmed = names.Trimmed();
        ImageListing listing = classes is null ? ImageListing.Unlabelled(trimmed) : ImageListing.Labelled(trimmed, classes);
        return new FileSource(path, FolderOf(path), listing, []);
    }

    private static string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path))!;
}
