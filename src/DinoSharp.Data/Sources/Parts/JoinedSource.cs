using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>
/// Several sources as one, each whole or repeated as often as its weight asks. Their classes are one set, by name, if all have classes.
/// </summary>
public sealed class JoinedSource : IImageSource
{
    private readonly IReadOnlyList<IImageSource> _sources;
    private readonly JoinedPart[] _parts;
    private readonly string[] _prefixes;
    private readonly int[][] _labels;

    private JoinedSource(IReadOnlyList<IImageSource> sources, JoinedPart[] parts)
    {
        _parts = parts;
        _prefixes = Prefixes(sources);
        _sources = sources;
        Count = parts[^1].Start + parts[^1].Count;
        (Classes, _labels) = JoinClasses(sources);
    }

    public string Path => string.Join(", ", _sources.Select(source => source.Path));

    public int Count { get; }

    public IReadOnlyList<string> Classes { get; }

    public IReadOnlyList<string> Notices => [.. _sources.SelectMany(source => source.Notices)];

    /// <summary>Joins sources, which are then the joined one's to dispose; if this fails, they are disposed.</summary>
    /// <param name="sources">At least one source.</param>
    /// <param name="weights">
    /// How often images of each source are seen in an epoch, in relation to each other; null takes every image once. The source that
    /// weighs least for its size is seen once an epoch, and the others as often as their weights ask: images evenly, up to one time.
    /// </param>
    /// <returns>A source that is read front to back if all of them are.</returns>
    /// <exception cref="ImageSourceException">The weights are unusable, or the epoch would be too long.</exception>
    public static IImageSource Join(IReadOnlyList<IImageSource> sources, IReadOnlyList<double>? weights = null)
    {
        ArgumentNullException.ThrowIfNull(sources);
        ArgumentOutOfRangeException.ThrowIfZero(sources.Count, nameof(sources));
        try
        {
            JoinedPart[] parts = JoinedPart.Divide(sources, weights);
            JoinedSource joined = new(sources, parts);
            IStreamedSource[] streamed = [.. sources.OfType<IStreamedSource>()];
            return streamed.Length == sources.Count ? new StreamedJoin(joined, streamed, parts) : joined;
        }
        catch
        {
            foreach (IImageSource source in sources)
            {
                source.Dispose();
            }

            throw;
        }
    }

    public string NameOf(int index)
    {
        int part = PartOf(index);
        return _prefixes[part] + _sources[part].NameOf(_parts[part].ImageAt(index));
    }

    public int LabelOf(int index)
    {
        int part = PartOf(index);
        return Classes.Count == 0 ? -1 : _labels[part][_sources[part].LabelOf(_parts[part].ImageAt(index))];
    }

    public string? FileOf(int index)
    {
        int part = PartOf(index);
        return _sources[part].FileOf(_parts[part].ImageAt(index));
    }

    public PixelImage Load(int index, DecodeOptions options)
    {
        int part = PartOf(index);
        return _sources[part].Load(_parts[part].ImageAt(index), options);
    }

    public void Dispose()
    {
        foreach (IImageSource source in _sources)
        {
            source.Dispose();
        }
    }

    /// <summary>What names begin with: the last part of each source's path, with a number if another has it too.</summary>
    private static string[] Prefixes(IReadOnlyList<IImageSource> sources)
    {
        if (sources.Count == 1)
        {
            return [""];
        }

        List<string> prefixes = [];
        foreach (IImageSource source in sources)
        {
            string name = System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(source.Path));
            string prefix = name + "/";
            for (int number = 2; prefixes.Contains(prefix); number++)
            {
                prefix = $"{name}#{number}/";
            }

            prefixes.Add(prefix);
        }

        return [.. prefixes];
    }

    private static (IReadOnlyList<string> Classes, int[][] Labels) JoinClasses(IReadOnlyList<IImageSource> sources)
    {
        if (sources.Any(source => source.Classes.Count == 0))
        {
            return ([], []);
        }

        ClassColumn column = new();
        foreach (string name in sources.SelectMany(source => source.Classes))
        {
            column.Add(name);
        }

        (int[] labels, string[] classes) = column.Number();
        int[][] labelsOfEach = new int[sources.Count][];
        for (int part = 0, first = 0; part < sources.Count; part++)
        {
            labelsOfEach[part] = labels[first..(first += sources[part].Classes.Count)];
        }

        return (classes, labelsOfEach);
    }

    private int PartOf(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return Array.FindLastIndex(_parts, part => part.Start <= index);
    }
}
