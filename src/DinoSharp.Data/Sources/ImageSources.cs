namespace DinoSharp.Data;

/// <summary>Opens whatever holds images.</summary>
public static class ImageSources
{
    /// <summary>
    /// Recognises what a path is: a folder or <c>.zip</c> of images (<c>CLASS/…</c>, <c>SPLIT/CLASS/…</c>, or without classes), a
    /// <c>.csv</c> with the columns <c>path</c> and perhaps <c>label</c>, a <c>.txt</c> of paths, or idx files as of MNIST, one of them
    /// or their folder.
    /// </summary>
    /// <param name="path">A file or folder.</param>
    /// <param name="split">
    /// Which part to take: a top folder such as <c>train</c> or <c>test</c>, or with idx files one of those two. Null takes <c>train</c> if
    /// there are only splits at the top, and everything otherwise.
    /// </param>
    /// <exception cref="ImageSourceException">There is nothing usable at the path.</exception>
    public static IImageSource Open(string path, string? split = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            return Directory.Exists(path) ? OpenFolder(path, split)
                : File.Exists(path) ? OpenFile(path, split)
                : throw new ImageSourceException(path, "there is no such file or folder; check the path");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ImageSourceException(path, $"it cannot be read; {error.Message}", error);
        }
    }

    public static IImageSource OpenAll(IReadOnlyList<string> paths, IReadOnlyList<double>? weights = null, string? split = null) => Open(paths[0], split); // TEMPORARY

    private static IImageSource OpenFolder(string path, string? split) =>
        IdxSource.ContainedIn(path) ? IdxSource.OpenFolder(path, split) : FileSource.OpenFolder(path, split);

    private static IImageSource OpenFile(string path, string? split)
    {
        string extension = Path.GetExtension(path).ToLowerInvariant();
        if (extension == ".zip")
        {
            return ZipSource.Open(path, split);
        }

        Func<string, IImageSource> open = extension switch
        {
            ".csv" => ImageList.OpenTable,
            ".txt" => ImageList.OpenLines,
            _ when IdxSource.IsImagesFile(path) => IdxSource.OpenFile,
            _ => throw new ImageSourceException(path, "no set of images; give a folder, .zip, .csv, .txt or idx file (*images*idx3*)"),
        };
        return split is null ? open(path) : throw new ImageSourceException(path, $"the file has no splits; leave out '{split}'");
    }
}
