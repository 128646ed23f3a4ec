using System.Globalization;
using DinoSharp.Imaging;
using Microsoft.Win32.SafeHandles;
using FilePath = System.IO.Path;

namespace DinoSharp.Data;

/// <summary>The images of WebDataset shards. Each shard is a run; none is open but while it is read.</summary>
internal sealed class ShardSource : IStreamedSource
{
    /// <summary>
    /// The share of shards that may be missing or useless. In a set fetched from elsewhere a few often are, which changes nothing;
    /// more of them, and it is another set than it says.
    /// </summary>
    private const double MissingShare = 0.05;

    /// <summary>A person reads as many lines of what is wrong, and is told of the number of others.</summary>
    private const int MaxNotices = 8;

    private readonly FileSet _files;
    private readonly int[] _shards;
    private readonly ShardIndex[] _indexes;
    private readonly int[] _starts;

    private ShardSource(FileSet files, int[] shards, ShardIndex[] indexes, IReadOnlyList<string> notices)
    {
        (_files, _shards, _indexes) = (files, shards, indexes);
        _starts = new int[indexes.Length];
        long count = 0;
        for (int run = 0; run < indexes.Length; run++)
        {
            _starts[run] = (int)count;
            count += indexes[run].Names.Count;
            if (count > Array.MaxLength)
            {
                throw new ImageSourceException(files.Path, $"it has more than {Array.MaxLength} images; give fewer shards");
            }
        }

        Count = (int)count;
        int labelled = indexes.Sum(index => index.Labels.Count(label => label >= 0));
        Classes = labelled < Count ? [] : [.. Enumerable.Range(0, indexes.Max(index => index.Labels.Max()) + 1)
            .Select(label => label.ToString(CultureInfo.InvariantCulture))];
        Notices = labelled == 0 || labelled == Count ? notices :
            [.. notices, $"{files.Path}: {Count - labelled} of its {Count} images have no class, so it counts as a set without classes"];
    }

    public string Path => _files.Path;

    public int Count { get; }

    public IReadOnlyList<string> Classes { get; }

    public IReadOnlyList<string> Notices { get; }

    public IReadOnlyList<int> RunStarts => _starts;

    /// <summary>Reads the headers of all shards, several at once.</summary>
    /// <exception cref="ImageSourceException">There are no images in them, or too many shards are missing.</exception>
    public static ShardSource Open(FileSet files)
    {
        ShardIndex?[] indexes = new ShardIndex?[files.Names.Count];
        try
        {
            Parallel.For(0, indexes.Length, shard =>
            {
                string file = files.FileOf(shard);
                indexes[shard] = File.Exists(file) ? ShardIndex.Read(file) : null;
            });
        }
        catch (AggregateException errors) when (errors.InnerExceptions.All(error => error is IOException or UnauthorizedAccessException))
        {
            throw new ImageSourceException(files.Path, $"a shard cannot be read; {errors.InnerExceptions[0].Message}", errors);
        }

        RefuseMissing(files, indexes);
        List<string> notices = [];
        List<int> shards = [];
        for (int shard = 0; shard < indexes.Length; shard++)
        {
            notices.AddRange(indexes[shard]?.Notices ?? [$"{files.FileOf(shard)}: there is no such shard; the others are used"]);
            if (indexes[shard] is { Names.Count: > 0 })
            {
                shards.Add(shard);
            }
        }

        int others = notices.Count - MaxNotices;
        return new ShardSource(
            files,
            [.. shards],
            [.. shards.Select(shard => indexes[shard]!)],
            others <= 0 ? notices : [.. notices.Take(MaxNotices), $"{files.Path}: {others} more of its shards are like these"]);
    }

    public string NameOf(int index) => NameOf(this.RunOf(index), index);

    public int LabelOf(int index)
    {
        int run = this.RunOf(index);
        return Classes.Count == 0 ? -1 : _indexes[run].Labels[index - _starts[run]];
    }

    public string? FileOf(int index) => _files.FileOf(_shards[this.RunOf(index)]);

    public PixelImage Load(int index, DecodeOptions options)
    {
        int run = this.RunOf(index), place = index - _starts[run];
        using SafeFileHandle file = File.OpenHandle(_files.FileOf(_shards[run]), options: FileOptions.RandomAccess);
        using EncodedImage image = ArchivedBytes.Read(file, _indexes[run].Offsets[place], _indexes[run].Sizes[place], NameOf(run, index));
        return image.Decode(options);
    }

    public IRunReader OpenRun(int run) => new Reader(this, run);

    public void Dispose()
    {
        // Shards are open only while they are read.
    }

    private static void RefuseMissing(FileSet files, ShardIndex?[] indexes)
    {
        int[] useless =
            [.. Enumerable.Range(0, indexes.Length).Where(shard => indexes[shard] is null or { IsDamaged: true, Names.Count: 0 })];
        if (useless.Length > MissingShare * indexes.Length)
        {
            throw new ImageSourceException(
                files.Path,
                $"{useless.Length} of its {indexes.Length} shards are missing or no tar archives; fetch "
                + $"{string.Join(", ", useless.Take(3).Select(shard => files.Names[shard]))}{(useless.Length > 3 ? ", …" : "")}");
        }

        if (indexes.All(index => index is null or { Names.Count: 0 }))
        {
            throw new ImageSourceException(files.Path, $"there are no images in its shards; these are looked for: {ImageNames.Known}");
        }
    }

    private string NameOf(int run, int index) => $"{_files.Names[_shards[run]]}/{_indexes[run].Names[index - _starts[run]]}";

    private sealed class Reader(ShardSource source, int run) : IRunReader
    {
        /// <summary>Small files come many at a time; further ahead the system reads by itself, as it is told that reading is sequential.</summary>
        private const int ReadAhead = 1 << 16;

        private readonly FileStream _file = new(
            source._files.FileOf(source._shards[run]),
            FileMode.Open,
            FileAccess.Read,
            FileShare.Read,
            ReadAhead,
            FileOptions.SequentialScan);

        public EncodedImage Read(int index)
        {
            ShardIndex images = source._indexes[run];
            int place = index - source._starts[run];
            return ArchivedBytes.Read(_file, images.Offsets[place], images.Sizes[place], source.NameOf(run, index));
        }

        public void Dispose() => _file.Dispose();
    }
}
