using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>A set of images of a fixed order, with or without labels. All members are safe to use from several threads.</summary>
public interface IImageSource : IDisposable
{
    /// <summary>What holds the images: a file, a folder, a path with braces, or several of these.</summary>
    string Path { get; }

    /// <summary>How many images there are, at least 1.</summary>
    int Count { get; }

    /// <summary>The classes' names, by label; empty where the images have no labels.</summary>
    IReadOnlyList<string> Classes { get; }

    /// <summary>An image's name within the source, by which a person finds it.</summary>
    string NameOf(int index);

    /// <summary>An image's class, an index into <see cref="Classes"/>; -1 where the images have no labels.</summary>
    int LabelOf(int index);

    /// <summary>The file that holds an image, its own or one of many images; null where none does or is known.</summary>
    string? FileOf(int index) => null;

    /// <summary>What a person should know of the source before it is used, a line each: shards that are missing, rows that are damaged.</summary>
    IReadOnlyList<string> Notices => [];

    /// <summary>Reads and decodes an image to as many channels as asked for. The caller disposes it.</summary>
    /// <exception cref="ImageFormatException">The image is damaged, of an unknown format, or larger than allowed.</exception>
    /// <exception cref="IOException">The image cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The image may not be read.</exception>
    PixelImage Load(int index, DecodeOptions options);
}
