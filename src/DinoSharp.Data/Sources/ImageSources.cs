using FilePath = System.IO.Path;

namespace DinoSharp.Data;

/// <summary>Opens whatever holds images.</summary>
public static class ImageSources
{
    /// <summary>
    /// Recognises what a path is:
    /// a folder, <c>.zip</c> or <c>.tar</c> of images (<c>CLASS/…</c>, <c>SPLIT/CLASS/…</c>, or without classes);
    /// WebDataset shards, as a folder of <c>.tar</c> or a path with braces (<c>set-{0000..0127}.tar</c>);
    /// Parquet tables with the images' bytes in them, as Hugging Face writes them: a <c>.parquet</c>, a folder of them, or a path with
    /// braces;
    /// a <c>.csv</c> or <c>.tsv</c> with the columns <c>path</c> and perhaps <c>label</c>, or a <c>.txt</c> of paths, with labels or not;
    /// CIFAR-10 and CIFAR-100 in their binary versions, or idx files as of MNIST, one of the files or their folder.
    /// </summary>
    /// <param name="path">A file or folder, or a path with braces.</param>
    /// <param name="split">
    /// Which part to take: a top folder such as <c>train</c> or <c>test</c>; with shards and tables a folder or what a file's name begins
    /// with; with CIFAR and idx files <c>train</c> or <c>test</c>. Null takes <c>train</c> if there are only splits at the top, and
    /// everything otherwise. Behind it or alone there may be a share in percent, as in <c>train[:90%]</c>, <c>[90%:]</c>, <c>[20%:50%]</c>:
    /// a hash of an image's name decides whether it is in, so that it stays there when others are added.
    /// </param>
    /// <exception cref="ImageSourceException">There is nothing usable at the path.</exception>
    public static IImageSource Open(string path, string? split = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        SplitChoice choice = SplitChoice.Parse(path, split);
        try
        {
            return choice.Of(
                Directory.Exists(path) ? OpenFolder(path, choice.Name)
                : File.Exists(path) ? OpenFile(path, choice.Name)
                : Braces.In(path) ? OpenBraces(path, choice.Name)
                : throw new ImageSourceException(path, "there is no such file or folder; check the path"));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ImageSourceException(path, $"it cannot be read; {error.Message}", error);
        }
    }

    /// <summary>Opens several paths as one source; a single path as itself.</summary>
    /// <param name="paths">What <see cref="Open"/> takes, at least one.</param>
    /// <param name="weights">How often images of each are seen, see <see cref="JoinedSource.Join"/>; null takes every image once.</param>
    /// <param name="split">Which part of each to take.</param>
    /// <exception cref="ImageSourceException">There is nothing usable at one of the paths, or the weights are unusable.</exception>
    public static IImageSource OpenAll(IReadOnlyList<string> paths, IReadOnlyList<double>? weights = null, string? split = null)
    {
        ArgumentNullException.ThrowIfNull(paths);
        ArgumentOutOfRangeException.ThrowIfZero(paths.Count, nameof(paths));
        List<IImageSource> sources = [];
        try
        {
            foreach (string path in paths)
            {
                sources.Add(Open(path, split));
            }
        }
        catch
        {
            sources.ForEach(source => source.Dispose());
            throw;
        }

        return sources.Count == 1 && weights is null ? sources[0] : JoinedSource.Join(sources, weights);
    }

    private static IImageSource OpenFolder(string path, string? split)
    {
        FolderWalk files = FolderWalk.Read(path);
        bool isOther = files.Images.Count == 0;
        string[] tables = [.. files.Held.Where(IsTable)], shards = [.. files.Held.Where(name => !IsTable(name))];
        return files.Others.Exists(IdxSource.IsImagesFile) ? IdxSource.OpenFolder(path, files.Others, split)
            : isOther && files.Others.Exists(CifarSource.IsImagesFile) ? CifarSource.OpenFolder(path, files.Others, split)
            : isOther && shards.Length > 0 ? ShardSource.Open(new FileSet(path, path, SplitFiles.Choose(path, shards, split)))
            : isOther && tables.Length > 0 ? ParquetSource.Open(new FileSet(path, path, SplitFiles.Choose(path, tables, split)))
            : FileSource.OpenFolder(path, files, split);
    }

    private static IImageSource OpenBraces(string path, string? split)
    {
        FileSet files = FileSet.OfBraces(path, split);
        return files.Names.All(IsTable) ? ParquetSource.Open(files)
            : files.Names.All(IsShard) ? ShardSource.Open(files)
            : throw new ImageSourceException(path, "braces stand for .tar or .parquet files only; give other paths one by one");
    }

    private static IImageSource OpenFile(string path, string? split)
    {
        string extension = FilePath.GetExtension(path).ToLowerInvariant();
        string unpacked = FilePath.GetExtension(FilePath.GetFileNameWithoutExtension(path)).ToLowerInvariant();
        if (extension is ".tgz" or ".tzst" or ".tbz2" or ".txz" || (unpacked == ".tar" && extension is ".gz" or ".zst" or ".bz2" or ".xz"))
        {
            throw new ImageSourceException(path, "a compressed archive cannot be read at random; unpack it, or make a .tar of it first");
        }

        switch (extension)
        {
            case ".zip":
                return ZipSource.Open(path, split);
            case ".tar":
                return TarSource.Open(path, split);
        }

        Func<string, IImageSource> open = extension switch
        {
            ".csv" or ".tsv" => ImageList.OpenTable,
            ".txt" => ImageList.OpenLines,
            ".parquet" => file => ParquetSource.Open(FileSet.OfFile(file)),
            _ when IdxSource.IsImagesFile(path) => IdxSource.OpenFile,
            _ when CifarSource.IsImagesFile(FilePath.GetFileName(path)) => CifarSource.OpenFile,
            _ => throw new ImageSourceException(
                path,
                "no set of images; give a folder, .zip, .tar, .parquet, .csv, .tsv, .txt, idx file (*images*idx3*) or CIFAR's .bin"),
        };
        return split is null ? open(path) : throw new ImageSourceException(path, $"the file has no splits; leave out '{split}'");
    }

    private static bool IsShard(string name) => FilePath.GetExtension(name).Equals(".tar", StringComparison.OrdinalIgnoreCase);

    private static bool IsTable(string name) => FilePath.GetExtension(name).Equals(".parquet", StringComparison.OrdinalIgnoreCase);
}
