using DinoSharp.Imaging;
using FilePath = System.IO.Path;

namespace DinoSharp.Data;

/// <summary>Images that are files of their own, in a folder or in a list.</summary>
internal sealed class FileSource(string path, string folder, ImageListing listing) : IImageSource
{
    public string Path => path;

    public int Count => listing.Names.Count;

    public IReadOnlyList<string> Classes => listing.Classes;

    /// <summary>Opens a folder; its sub-folders are classes or splits as <see cref="ImageTree"/> has it.</summary>
    public static FileSource OpenFolder(string path, string? split)
    {
        EnumerationOptions everything = new() { RecurseSubdirectories = true, IgnoreInaccessible = false };
        IEnumerable<string> files = Directory.EnumerateFiles(path, "*", everything)
            .Select(file => FilePath.GetRelativePath(path, file).Replace(FilePath.DirectorySeparatorChar, '/'));
        return new FileSource(path, path, ImageTree.Read(path, files, split));
    }

    public string NameOf(int index) => listing.Names[index];

    public int LabelOf(int index) => listing.LabelOf(index);

    public PixelImage Load(int index, DecodeOptions options) => ImageDecoder.Load(FilePath.Combine(folder, listing.Names[index]), options);

    public void Dispose()
    {
        // Files are open only while one is being read.
    }
}
