namespace DinoSharp.Data;

/// <summary>
/// A source whose images lie in runs, such as the shards of an archive or the row groups of a table, and are best read front to back:
/// training streams them. Any image can be loaded on its own, too, but that may cost as much as a run.
/// </summary>
public interface IStreamedSource : IImageSource
{
    /// <summary>The index at which each run begins, rising from 0. A run ends where the next begins.</summary>
    IReadOnlyList<int> RunStarts { get; }

    /// <summary>Opens a run to be read once, front to back. Several may be open, each used by one thread.</summary>
    /// <exception cref="IOException">The run cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The run may not be read.</exception>
    IRunReader OpenRun(int run);
}

/// <summary>One pass over a run of images.</summary>
public interface IRunReader : IDisposable
{
    /// <summary>Reads an image, not decoded. The caller disposes it.</summary>
    /// <param name="index">The image's index in the source; larger than at the last call.</param>
    /// <exception cref="DinoSharp.Imaging.ImageFormatException">The run is damaged or cut short there.</exception>
    /// <exception cref="IOException">The run cannot be read.</exception>
    EncodedImage Read(int index);
}
