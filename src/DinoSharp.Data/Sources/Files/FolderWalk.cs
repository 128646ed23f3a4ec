using System.IO.Enumeration;
using System.Text;
using FilePath = System.IO.Path;

namespace DinoSharp.Data;

/// <summary>
/// Lists a folder and everything below it by names alone: asking for the size of each of a million files would take minutes on a
/// network's disk. Links are followed, but not to a folder that the walk is in already.
/// </summary>
internal sealed class FolderWalk
{
    private static readonly string[] Containers = [".tar", ".parquet"];

    /// <summary>All entries, hidden ones too (a link to a folder may be called anything); what cannot be listed is an error.</summary>
    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false };

    private readonly string _path;

    private FolderWalk(string path) => _path = path;

    /// <summary>The images, by their path below the folder, in the order in which the system lists them.</summary>
    public NameTable Images { get; } = new();

    /// <summary>Files that may hold images, in order: archives and tables at any depth.</summary>
    public List<string> Held { get; } = [];

    /// <summary>Names of the other files of the folder itself, in order.</summary>
    public List<string> Others { get; } = [];

    public static FolderWalk Read(string path)
    {
        FolderWalk walk = new(path);
        walk.List("", [RealPath(FilePath.GetFullPath(path))]);
        walk.Held.Sort(StringComparer.Ordinal);
        walk.Others.Sort(StringComparer.Ordinal);
        return walk;
    }

    /// <param name="folder">A folder below the path, with <c>/</c> behind it; empty for the path itself.</param>
    /// <param name="around">Where this folder and those around it are, links resolved.</param>
    private void List(string folder, string[] around)
    {
        byte[] prefix = Encoding.UTF8.GetBytes(folder);
        List<(string Name, bool IsLink)> folders = [];
        FileSystemEnumerable<bool> entries = new(FilePath.Combine(_path, folder), Take, Everything);
        foreach (bool _ in entries)
        {
            // Take has noted the entry.
        }

        foreach ((string name, bool isLink) in folders)
        {
            string below = $"{folder}{name}/";
            string place = isLink ? RealPath(FilePath.GetFullPath(FilePath.Combine(_path, below))) : FilePath.Combine(around[^1], name);
            if (!isLink || !around.Contains(place))
            {
                List(below, [.. around, place]);
            }
        }

        bool Take(ref FileSystemEntry entry)
        {
            if (entry.FileName.StartsWith('.'))
            {
                return false; // hidden, as ImageNames has it
            }

            if (entry.IsDirectory)
            {
                folders.Add((entry.FileName.ToString(), (entry.Attributes & FileAttributes.ReparsePoint) != 0));
            }
            else
            {
                TakeFile(folder, prefix, entry.FileName);
            }

            return true;
        }
    }

    private void TakeFile(string folder, byte[] prefix, ReadOnlySpan<char> fileName)
    {
        byte[] name = [.. prefix, .. Encoding.UTF8.GetBytes(fileName.ToString())];
        if (ImageNames.IsImage(name))
        {
            Images.Add(name);
        }
        else if (Containers.Contains(FilePath.GetExtension(fileName).ToString().ToLowerInvariant()))
        {
            Held.Add(folder + fileName.ToString());
        }
        else if (folder.Length == 0)
        {
            Others.Add(fileName.ToString());
        }
    }

    /// <summary>A full path without links in it.</summary>
    private static string RealPath(string path)
    {
        string root = FilePath.GetPathRoot(path)!, real = root;
        foreach (string part in path[root.Length..].Split(FilePath.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            string next = FilePath.Combine(real, part);
            real = Directory.ResolveLinkTarget(next, returnFinalTarget: true) is { } target ? RealPath(target.FullName) : next;
        }

        return real;
    }
}
