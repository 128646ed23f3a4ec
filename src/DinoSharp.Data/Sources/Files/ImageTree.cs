using System.Text;

namespace DinoSharp.Data;

/// <summary>
/// The meaning of a tree of image files, on a disk or in an archive: <c>CLASS/…</c>, <c>SPLIT/CLASS/…</c>, or images without classes.
/// </summary>
internal static class ImageTree
{
    private const string DefaultSplit = "train";

    private static readonly string[] CustomarySplits = [DefaultSplit, "val", "test"];

    /// <summary>
    /// Selects the images of a split, orders them by name and reads off their classes. Of several images of one name the last is taken,
    /// as every unpacker has a later entry of an archive replace an earlier one.
    /// </summary>
    /// <param name="path">The tree, for errors.</param>
    /// <param name="images">All images, relative to the tree's root, with <c>/</c> between folders.</param>
    /// <param name="split">A folder below the root; null for all images, or for <c>train</c> if the root is divided into splits.</param>
    /// <param name="unclean">How many files are left alone for their names.</param>
    /// <returns>The listing, and where each of its images stands among those given.</returns>
    public static (ImageListing Listing, int[] Places) Read(string path, NameTable images, string? split, int unclean = 0)
    {
        if (images.Count == 0)
        {
            throw new ImageSourceException(
                path,
                unclean == 0 ? $"there are no images in it; these are looked for: {ImageNames.Known}"
                : $"there are no images in it but {unclean} files whose names are no clean paths below it; pack them with relative paths");
        }

        int[] places = LastOfEachName(images);
        byte[] root = Wrapping(images);
        if (ChooseSplit(path, Tops(images, places, root), split) is { } chosen)
        {
            root = [.. root, .. Encoding.UTF8.GetBytes(chosen), (byte)'/'];
            places = [.. places.Where(place => images.Utf8(place).StartsWith(root))];
        }

        NameTable names = images.Select(places);
        return (HasClasses(names, root) ? ImageListing.Labelled(names, Classes(names, root)) : ImageListing.Unlabelled(names), places);
    }

    private static int[] LastOfEachName(NameTable images)
    {
        int[] order = images.Order();
        int kept = 0;
        foreach (int place in order)
        {
            bool again = kept > 0 && images.Utf8(order[kept - 1]).SequenceEqual(images.Utf8(place));
            order[again ? kept - 1 : kept++] = place;
        }

        return kept == order.Length ? order : order[..kept];
    }

    /// <summary>The one folder, such as an archive often has, around everything else; empty if there is none.</summary>
    private static byte[] Wrapping(NameTable images)
    {
        ReadOnlySpan<byte> top = TopFolder(images.Utf8(0));
        if (top.IsEmpty || CustomarySplits.Contains(Encoding.UTF8.GetString(top)))
        {
            return [];
        }

        byte[] root = [.. top, (byte)'/'];
        for (int i = 0; i < images.Count; i++)
        {
            if (!images.Utf8(i).StartsWith(root) || Depth(images.Utf8(i), root) == 0)
            {
                return [];
            }
        }

        return root;
    }

    /// <summary>The folders below the root; null among them if an image is at the root itself.</summary>
    private static List<string?> Tops(NameTable images, int[] places, byte[] root)
    {
        List<string?> tops = [];
        bool atRoot = false;
        ReadOnlySpan<byte> last = [];
        foreach (int place in places)
        {
            // In the order of names, the images of a folder stand together.
            ReadOnlySpan<byte> top = TopFolder(images.Utf8(place)[root.Length..]);
            atRoot |= top.IsEmpty;
            if (!top.IsEmpty && !top.SequenceEqual(last))
            {
                tops.Add(Encoding.UTF8.GetString(top));
                last = top;
            }
        }

        return atRoot ? [.. tops, null] : tops;
    }

    private static string? ChooseSplit(string path, List<string?> tops, string? split)
    {
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

        return tops.Count == 1 ? tops[0]
            : tops.Contains(DefaultSplit) ? DefaultSplit
            : throw new ImageSourceException(path, $"it is divided into splits without '{DefaultSplit}'; name one; {Choices(tops)}");
    }

    private static string Choices(List<string?> tops)
    {
        string?[] folders = [.. tops.Where(top => top is not null)];
        return folders.Length == 0
            ? "it has no folders, so name no split"
            : $"it has {string.Join(", ", folders.Take(5))}{(folders.Length > 5 ? ", …" : "")}";
    }

    /// <summary>Images at different depths, or at the root itself, are an ordinary collection of files and not classes.</summary>
    private static bool HasClasses(NameTable names, byte[] root)
    {
        int depth = Depth(names.Utf8(0), root);
        bool even = depth > 0;
        for (int i = 1; i < names.Count && even; i++)
        {
            even = Depth(names.Utf8(i), root) == depth;
        }

        return even;
    }

    private static ClassColumn Classes(NameTable names, byte[] root)
    {
        ClassColumn classes = new();
        ReadOnlySpan<byte> last = [];
        for (int i = 0; i < names.Count; i++)
        {
            ReadOnlySpan<byte> top = TopFolder(names.Utf8(i)[root.Length..]);
            if (top.SequenceEqual(last))
            {
                classes.AddSame();
            }
            else
            {
                classes.Add(Encoding.UTF8.GetString(top));
                last = top;
            }
        }

        return classes;
    }

    /// <summary>The first folder of a name; empty if it is in none.</summary>
    private static ReadOnlySpan<byte> TopFolder(ReadOnlySpan<byte> name) => name[..Math.Max(0, name.IndexOf((byte)'/'))];

    private static int Depth(ReadOnlySpan<byte> name, byte[] root) => name[root.Length..].Count((byte)'/');
}
