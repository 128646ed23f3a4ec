using Parquet.Schema;

namespace DinoSharp.Data;

/// <summary>What one table's images are called and labelled, read once; the images are left where they are.</summary>
internal sealed class ParquetIndex
{
    private ParquetIndex(int[] rows) => RowsOfGroups = rows;

    /// <summary>How many rows each row group has.</summary>
    public int[] RowsOfGroups { get; }

    /// <summary>What the images were called; null if the table does not say, empty for one of which it does not.</summary>
    public NameTable? Paths { get; private set; }

    /// <summary>The class of each row by number; -1 for none. Null if there are none, or only by name.</summary>
    public int[]? Numbers { get; private set; }

    /// <summary>The class of each row by name; null for none. Null if there are none, or only by number.</summary>
    public string?[]? Texts { get; private set; }

    /// <summary>Names of the classes that are numbers, if the table has them.</summary>
    public IReadOnlyList<string> ClassNames { get; private set; } = [];

    /// <exception cref="ImageSourceException">The file is no table of images, damaged, or of row groups that are too large.</exception>
    public static ParquetIndex Read(string path)
    {
        try
        {
            using ParquetTable table = ParquetTable.Open(path);
            if (Enumerable.Range(0, table.Groups).Select(table.ExcessOf).FirstOrDefault(excess => excess is not null) is { } most)
            {
                throw new ImageSourceException(
                    path, $"row groups of more than {most} cannot be read; write it with smaller row groups (row_group_size)");
            }

            ParquetIndex index = new([.. Enumerable.Range(0, table.Groups).Select(table.RowsOf)]) { ClassNames = table.Columns.ClassNames };
            if (table.Columns.Paths is { } paths)
            {
                index.Paths = ReadPaths(table, paths);
            }

            if (table.Columns.Labels is { } labels && ParquetColumns.IsText(labels))
            {
                Dictionary<string, string> shared = [];
                index.Texts = [.. Groups(table, group => table.ReadTexts(group, labels).Select(text => Shared(shared, text)))];
            }
            else if (table.Columns.Labels is { } numbers)
            {
                index.Numbers = [.. Groups(table, group => table.ReadNumbers(group, numbers).Select(AsClass))];
            }

            return index;
        }
        catch (InvalidDataException error)
        {
            throw new ImageSourceException(path, $"no table of images, or a damaged one: {error.Message}; fetch or make it again", error);
        }
    }

    private static IEnumerable<T> Groups<T>(ParquetTable table, Func<int, IEnumerable<T>> read) =>
        Enumerable.Range(0, table.Groups).SelectMany(read);

    private static NameTable ReadPaths(ParquetTable table, DataField column)
    {
        NameTable paths = new();
        foreach (string? text in Groups(table, group => table.ReadTexts(group, column)))
        {
            // Names stand in messages of one line.
            paths.Add(text is null || text.Any(char.IsControl) ? "" : text);
        }

        return paths.Trimmed();
    }

    private static string? Shared(Dictionary<string, string> shared, string? text) =>
        text is null ? null : shared.TryGetValue(text, out string? known) ? known : shared[text] = text;

    /// <summary>Images without a class, such as those of a test that keeps its answers, have -1 for it.</summary>
    private static int AsClass(long? number) => number is >= 0 and < ShardIndex.MaxClasses ? (int)number : -1;
}
