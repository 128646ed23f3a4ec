namespace DinoSharp.Data;

/// <summary>
/// The splits of a set in several files, told by a folder or by the beginning of a file's name, as in
/// <c>data/train-00000-of-00005.parquet</c> or <c>default/test/0000.parquet</c>.
/// </summary>
internal static class SplitFiles
{
    private const string DefaultSplit = "train";

    /// <param name="path">The whole, for errors.</param>
    /// <param name="files">The files, with <c>/</c> between folders.</param>
    /// <param name="split">The one to take; null for <c>train</c> if all files are of splits, and for all of them otherwise.</param>
    public static IReadOnlyList<string> Choose(string path, IReadOnlyList<string> files, string? split)
    {
        if (split is not null)
        {
            string[] named = [.. files.Where(file => Words(file).Contains(Customary(split) ?? split, StringComparer.Ordinal))];
            return named.Length > 0
                ? named
                : throw new ImageSourceException(path, $"none of its files is of a split '{split}'; it has {Some(files)}");
        }

        string?[] splits = [.. files.Select(file => Words(file).Select(Customary).FirstOrDefault(word => word is not null))];
        string?[] distinct = [.. splits.Distinct()];
        if (distinct.Contains(null) || distinct.Length == 1)
        {
            return files;
        }

        return distinct.Contains(DefaultSplit)
            ? [.. files.Where((_, i) => splits[i] == DefaultSplit)]
            : throw new ImageSourceException(path, $"it is divided into {string.Join(", ", distinct)}, without '{DefaultSplit}'; name one");
    }

    /// <summary>The names of a file's folders, and its own up to the first dash or dot; <c>validation</c> reads as <c>val</c>.</summary>
    private static IEnumerable<string> Words(string file)
    {
        string[] parts = file.Split('/');
        parts[^1] = parts[^1].Split('-', '.')[0];
        return parts.Select(part => Customary(part) ?? part);
    }

    private static string? Customary(string word) => word switch
    {
        DefaultSplit or "test" or "val" => word,
        "validation" => "val",
        _ => null,
    };

    private static string Some(IReadOnlyList<string> files) => string.Join(", ", files.Take(3)) + (files.Count > 3 ? ", …" : "");
}
