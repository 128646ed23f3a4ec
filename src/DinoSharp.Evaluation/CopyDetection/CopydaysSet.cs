using System.Globalization;
using DinoSharp.Data;

namespace DinoSharp.Evaluation.CopyDetection;

/// <summary>A kind of alteration: the altered images, and what they were made from.</summary>
/// <param name="Name">as its folder: strong, jpegqual/10, crops/50</param>
/// <param name="Images">the altered images, the queries</param>
/// <param name="Originals">for each of them the originals that are right</param>
public sealed record CopyBlock(string Name, IImageSource Images, IReadOnlyList<int[]> Originals);

/// <summary>
/// INRIA Copydays as it is unpacked: <c>original/</c>, <c>strong/</c> and, if they are there, <c>jpegqual/QUALITY/</c> and
/// <c>crops/PERCENT/</c>. A strong copy's name has the first four characters of its original's; the images of the other blocks have the
/// originals' names.
/// </summary>
public sealed class CopydaysSet : IDisposable
{
    /// <summary>The block that the published figures are of.</summary>
    public const string Strong = "strong";

    private const string Original = "original";
    private const int SharedCharacters = 4;
    private const int PublishedOriginals = 157, PublishedStrong = 229;

    private static readonly string[] Graded = ["jpegqual", "crops"];

    private readonly List<IImageSource> _sources = [];

    private CopydaysSet(string path)
    {
        Originals = Open(path, Original);
        var names = NamesOf(Originals);
        var strong = Open(path, Strong);
        List<CopyBlock> blocks = [new(Strong, strong, ByPrefix(strong, names))];
        foreach (string name in Graded.SelectMany(kind => Grades(path, kind)))
        {
            var images = Open(path, name);
            blocks.Add(new CopyBlock(name, images, ByName(images, names)));
        }

        Blocks = blocks;
        var copied = blocks[0].Originals.SelectMany(rows => rows).ToHashSet();
        Uncopied = [.. names.Where((_, row) => !copied.Contains(row))];
    }

    /// <summary>The images that copies were made from.</summary>
    public IImageSource Originals { get; }

    /// <summary>The altered images, <see cref="Strong"/> first.</summary>
    public IReadOnlyList<CopyBlock> Blocks { get; }

    /// <summary>Names of the originals that no strong copy was made from: among the results they are distractors.</summary>
    public IReadOnlyList<string> Uncopied { get; }

    /// <summary>Whether there are as many originals and strong copies as were published.</summary>
    public bool IsWhole => Originals.Count == PublishedOriginals && Blocks[0].Images.Count == PublishedStrong;

    /// <summary>Opens the folder that has <c>original</c> and <c>strong</c> in it.</summary>
    /// <exception cref="EvaluationException">One of them is missing, or a copy has no original.</exception>
    /// <exception cref="ImageSourceException">A folder has no images.</exception>
    public static CopydaysSet Open(string path)
    {
        foreach (string name in new[] { Original, Strong })
        {
            string folder = Path.Combine(path, name);
            if (!Directory.Exists(folder))
            {
                throw new EvaluationException($"{folder}: there is no such folder; Copydays has its images in original/ and strong/ (and "
                    + "jpegqual/, crops/): give the folder that has these in it");
            }
        }

        return new CopydaysSet(path);
    }

    public void Dispose() => _sources.ForEach(source => source.Dispose());

    private IImageSource Open(string path, string name)
    {
        var source = ImageSources.Open(Path.Combine(path, name));
        _sources.Add(source);
        return source;
    }

    /// <summary>The folders of one kind, in the order of their numbers.</summary>
    private static IEnumerable<string> Grades(string path, string kind) => !Directory.Exists(Path.Combine(path, kind))
        ? []
        : Directory.GetDirectories(Path.Combine(path, kind)).Select(folder => Path.GetFileName(folder))
            .Where(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .OrderBy(name => int.Parse(name, CultureInfo.InvariantCulture))
            .Select(name => $"{kind}/{name}");

    private static string[] NamesOf(IImageSource source) =>
        [.. Enumerable.Range(0, source.Count).Select(i => Path.GetFileNameWithoutExtension(source.NameOf(i)))];

    private static List<int[]> ByPrefix(IImageSource copies, string[] originals)
    {
        var rows = originals.Index().ToLookup(original => Prefix(original.Item), original => original.Index);
        return Matched(copies, name => [.. rows[Prefix(name)]], $"no original's name begins with its first {SharedCharacters} characters");
    }

    private static List<int[]> ByName(IImageSource copies, string[] originals)
    {
        var rows = originals.Index().ToLookup(original => original.Item, original => original.Index);
        return Matched(copies, name => [.. rows[name]], "no original has its name");
    }

    private static List<int[]> Matched(IImageSource copies, Func<string, int[]> match, string fault) =>
    [
        .. NamesOf(copies).Select((name, i) => match(name) is { Length: > 0 } rows
            ? rows
            : throw new EvaluationException($"{Path.Combine(copies.Path, copies.NameOf(i))}: a copy of nothing: {fault}; remove it or rename it")),
    ];

    private static string Prefix(string name) => name.Length <= SharedCharacters ? name : name[..SharedCharacters];
}
