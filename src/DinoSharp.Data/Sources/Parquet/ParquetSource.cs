using System.Globalization;
using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>Images whose bytes lie in Parquet tables. Each row group is a run, and is read as a whole.</summary>
internal sealed class ParquetSource : IStreamedSource
{
    private readonly FileSet _files;
    private readonly ParquetIndex[] _tables;
    private readonly List<(int Table, int Group, int FirstRow)> _runs = [];
    private readonly List<int> _starts = [];
    private readonly int[]? _labels;
    private readonly RecentGroups _recent;

    private ParquetSource(FileSet files, ParquetIndex[] tables)
    {
        (_files, _tables) = (files, tables);
        _recent = new RecentGroups(run => new ParquetGroup(files.FileOf(_runs[run].Table), _runs[run].Group));
        long count = 0;
        for (int table = 0; table < tables.Length; table++)
        {
            int row = 0;
            foreach ((int group, int rows) in tables[table].RowsOfGroups.Index().Where(pair => pair.Item > 0))
            {
                _runs.Add((table, group, row));
                _starts.Add((int)count);
                row += rows;
                count += rows;
                if (count > Array.MaxLength)
                {
                    throw new ImageSourceException(files.Path, $"it has more than {Array.MaxLength} images; give fewer tables");
                }
            }
        }

        Count = count > 0 ? (int)count : throw new ImageSourceException(files.Path, "its tables have no rows; give one that has");
        (_labels, Classes, Notices) = JoinLabels(files, tables, Count);
    }

    public string Path => _files.Path;

    public int Count { get; }

    public IReadOnlyList<string> Classes { get; }

    public IReadOnlyList<string> Notices { get; }

    public IReadOnlyList<int> RunStarts => _starts;

    /// <exception cref="ImageSourceException">A file is missing, no table of images, or damaged.</exception>
    public static ParquetSource Open(FileSet files) =>
        new(files, [.. Enumerable.Range(0, files.Names.Count).Select(table => ParquetIndex.Read(files.FileOf(table)))]);

    public string NameOf(int index) => NameOf(this.RunOf(index), index);

    public int LabelOf(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return _labels is null ? -1 : _labels[index];
    }

    public string? FileOf(int index) => _files.FileOf(_runs[this.RunOf(index)].Table);

    public PixelImage Load(int index, DecodeOptions options)
    {
        int run = this.RunOf(index);
        using EncodedImage image = _recent.Read(run, index - _starts[run], NameOf(run, index));
        return image.Decode(options);
    }

    public IRunReader OpenRun(int run) => new Reader(this, run);

    public void Dispose() => _recent.Dispose();

    /// <summary>Classes by number and, if the tables name them, by name; or, if they are texts, numbered in the order of these.</summary>
    private static (int[]? Labels, IReadOnlyList<string> Classes, IReadOnlyList<string> Notices) JoinLabels(
        FileSet files, ParquetIndex[] tables, int count)
    {
        if (Array.TrueForAll(tables, table => table.Numbers is not null))
        {
            int[] labels = [.. tables.SelectMany(table => table.Numbers!)];
            int labelled = labels.Count(label => label >= 0);
            if (labelled < count)
            {
                return (null, [], NoticesOf(files, labelled, count));
            }

            int classes = labels.Max() + 1;
            IReadOnlyList<string> names = tables[0].ClassNames;
            if (names.Count < classes || !Array.TrueForAll(tables, table => table.ClassNames.SequenceEqual(names)))
            {
                names = [.. Enumerable.Range(0, classes).Select(label => label.ToString(CultureInfo.InvariantCulture))];
            }

            return (labels, names, []);
        }

        if (!Array.TrueForAll(tables, table => table.Texts is not null))
        {
            int some = tables.Count(table => table.Numbers is not null || table.Texts is not null);
            return (null, [], NoticesOf(files, some, count));
        }

        int texts = tables.Sum(table => table.Texts!.Count(text => text is not null));
        if (texts < count)
        {
            return (null, [], NoticesOf(files, texts, count));
        }

        ClassColumn column = new();
        foreach (string? text in tables.SelectMany(table => table.Texts!))
        {
            column.Add(text);
        }

        (int[] numbered, string[] classNames) = column.Number();
        return (numbered, classNames, []);
    }

    private static string[] NoticesOf(FileSet files, int labelled, int count) => labelled == 0 ? [] :
        [$"{files.Path}: not all of its {count} images have a class, so it counts as a set without classes"];

    private string NameOf(int run, int index)
    {
        (int table, _, int firstRow) = _runs[run];
        int row = firstRow + index - _starts[run];
        string name = string.Create(CultureInfo.InvariantCulture, $"{_files.Names[table]}#{row}");
        return _tables[table].Paths is { } paths && paths.Utf8(row).Length > 0 ? $"{name} {paths[row]}" : name;
    }

    private sealed class Reader(ParquetSource source, int run) : IRunReader
    {
        private readonly ParquetGroup _group = new(source._files.FileOf(source._runs[run].Table), source._runs[run].Group);

        public EncodedImage Read(int index) => _group.Read(index - source._starts[run], source.NameOf(run, index));

        public void Dispose() => _group.Dispose();
    }
}
