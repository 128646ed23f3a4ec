namespace DinoSharp.Data;

/// <summary>
/// The meaning of a tree of image files, on a disk or in an archive: <c>CLASS/…</c>, <c>SPLIT/CLASS/…</c>, or images without classes.
/// </summary>
internal static class ImageTree
{
    private const string DefaultSplit = "train";

    private static readonly string[] CustomarySplits = [DefaultSplit, "val", "test"];

    private static readonly HashSet<string> Extensions =
        new([".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"], StringComparer.OrdinalIgnoreCase);

    /// <summary>Selects the images of a split and reads off their classes.</summary>
    /// <param name="path">The tree, for errors.</param>
    /// <param name="files">All files, relative to the tree's root, with <c>/</c> between folders.</param>
    /// <param name="split">A folder below the root; null for all images, or for <c>train</c> if the root is divided into splits.</param>
    public static ImageListing Read(string path, IEnumerable<string> files, string? split)
    {
        string[] names = [.. files.Where(IsImage).Order(StringComparer.Ordinal)];
        if (names.Length == 0)
        {
            throw new ImageSourceException(path, $"there are no images in it; these are looked for: {string.Join(' ', Extensions)}");
        }

        string root = Wrapping(names);
        if (ChooseSplit(path, names, root, split) is { } chosen)
        {
            root = $"{root}{chosen}/";
            names = [.. names.Where(name => name.StartsWith(root, StringComparison.Ordinal))];
        }

        // Images at different depths, or at the root itself, are an ordinary collection of files and not classes.
        int depth = Depth(names[0], root);
        bool classes = depth > 0 && names.All(name => Depth(name, root) == depth);
        return classes
            ? ImageListing.Labelled(names, [.. names.Select(name => TopFolder(name, root)!)])
            : ImageListing.Unlabelled(names);
    }

    /// <summary>Hidden files are no images, nor are the shadows that macOS adds to archives.</summary>
    private static bool IsImage(string name) =>
        Extensions.Contains(Path.GetExtension(name)) && !name.StartsWith('.') && !name.Contains("/.", StringComparison.Ordinal)
        && !name.StartsWith("__MACOSX/", StringComparison.Ordinal);

    /// <summary>The one folder, such as an archive often has, around everything else; empty if there is none.</summary>
    private static string Wrapping(string[] names)
    {
        string? top = TopFolder(names[0], "");
        if (top is null || CustomarySplits.Contains(top))
        {
            return "";
        }

        string root = top + "/";
        return names.All(name => name.StartsWith(root, StringComparison.Ordinal) && Depth(name, root) > 0) ? root : "";
    }

    private static string? ChooseSplit(string path, string[] names, string root, string? split)
    {
        string?[] tops = [.. names.Select(name => TopFolder(name, root)).Distinct()];
        if (split is not null)
        {
            return tops.Contains(split)
                ? split
                : throw new ImageSourceException(path, $"there are no images in a folder '{split}' of it; {Choices(tops)}");
        }

        if (!tops.All(CustomarySplits.Contains))
        {
            return null;
        }

        return tops.Length == 1 ? tops[0]
            : tops.Contains(DefaultSplit) ? DefaultSplit
            : throw new ImageSourceException(path, $"it is divided into splits without '{DefaultSplit}'; name one; {Choices(tops)}");
    }

    private static string Choices(string?[] tops)
    {
        string?[] folders = [.. tops.Where(top => top is not null)];
        return folders.Length == 0
            ? "it has no folders, so name no split"
            : $"it has {string.Join(", ", folders.Take(5))}{(folders.Length > 5 ? ", …" : "")}";
    }

    private static string? TopFolder(string name, string root) =>
        name.IndexOf('/', root.Length) is > 0 and int end ? name[root.Length..end] : null;

    private static int Depth(string name, string root) => name.AsSpan(root.Length).Count('/');
}
