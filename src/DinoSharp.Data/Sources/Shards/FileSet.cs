using FilePath = System.IO.Path;

namespace DinoSharp.Data;

/// <summary>Files that together are one set of images: shards or tables.</summary>
/// <param name="Path">What a person named: a file, a folder, or a path with braces.</param>
/// <param name="Folder">Where the files are.</param>
/// <param name="Names">The files' paths below the folder, with <c>/</c> between folders; names of images begin with them.</param>
internal sealed record FileSet(string Path, string Folder, IReadOnlyList<string> Names)
{
    public static FileSet OfFile(string path) => new(path, FilePath.GetDirectoryName(path) ?? "", [FilePath.GetFileName(path)]);

    /// <summary>The files that the braces of a path stand for, of one split.</summary>
    public static FileSet OfBraces(string path, string? split)
    {
        string folder = FilePath.GetDirectoryName(path[..path.IndexOf('{', StringComparison.Ordinal)]) ?? "";
        string[] names = [.. Braces.Expand(path).Select(file => file[folder.Length..].TrimStart('/', FilePath.DirectorySeparatorChar))];
        return new FileSet(path, folder, SplitFiles.Choose(path, names, split));
    }

    public string FileOf(int number) => FilePath.Combine(Folder, Names[number]);
}
