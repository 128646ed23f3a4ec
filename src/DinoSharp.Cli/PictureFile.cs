using DinoSharp.Data;

namespace DinoSharp.Cli;

/// <summary>Tells a picture from a set of them.</summary>
internal static class PictureFile
{
    /// <summary>Whether a path is a file and no set of images as <see cref="ImageSources"/> knows them.</summary>
    public static bool Is(string path) => File.Exists(path)
        && Path.GetExtension(path).ToLowerInvariant()
            is not (".zip" or ".tar" or ".parquet" or ".csv" or ".tsv" or ".txt" or ".bin" or ".gz")
        && !path.EndsWith("-ubyte", StringComparison.Ordinal);
}
