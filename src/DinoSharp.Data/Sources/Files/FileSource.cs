using DinoSharp.Imaging;
using FilePath = System.IO.Path;

namespace DinoSharp.Data;

/// <summary>Images that are files of their own, in a folder or in a list.</summary>
internal sealed class FileSource(string path, string folder, ImageListing listing, IReadOnlyList<string> notices) : IImageSource
{
    public string Path => path;

    public int Count => listing.Names.Count;

    public IReadOnlyList<string> Classes => listing.Classes;

    public IReadOnlyList<string> Notices => notices;

    /// <summary>Opens a folder; its sub-folders are classes or splits as <see cref="ImageTree"/> has it.</summary>
    public static FileSource OpenFolder(string path, FolderWalk files, string? split)
    {
        ImageListing listing = ImageTree.Read(path, files.Images, split).Listing;
        string others = files.Held.Count > 1 ? $" and {files.Held.Count - 1} more like it" : "";
        string[] notices = files.Held.Count == 0 ? [] : [$"{path}: only its image files are used, and not {files.Held[0]}{others}"];
        return new FileSource(path, path, listing, notices);
    }

    public string NameOf(int index) => listing.Names[index];

    public int LabelOf(int index) => listing.LabelOf(index);

    public string? FileOf(int index) => FilePath.Combine(folder, listing.Names[index]);

    public PixelImage Load(int index, DecodeOptions options) => ImageDecoder.Load(FileOf(index)!, options);

    public void Dispose()
    {
        // Files are open only while one is being read.
    }
}
