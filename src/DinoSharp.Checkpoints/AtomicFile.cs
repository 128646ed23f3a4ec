namespace DinoSharp.Checkpoints;

/// <summary>Writes a file whole or not at all: beside its place first, flushed to the disk, then renamed.</summary>
public static class AtomicFile
{
    /// <summary>What stands behind the name while the file is being written.</summary>
    public const string BesideEnding = ".partial";

    /// <summary>
    /// Replaces <paramref name="path"/> by what <paramref name="write"/> writes. On any failure the file that was there stays as it
    /// was.
    /// </summary>
    /// <exception cref="CheckpointException">The disk is full or the place cannot be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string beside = path + BesideEnding;
        try
        {
            using (FileStream stream = new(beside, FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 1 << 20))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(beside, path, overwrite: true);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException || IsPastSizeLimit(cause))
        {
            TryDelete(beside);
            string reason = cause.Message.Split(" (Parameter")[0].TrimEnd('.');
            string kept = File.Exists(path) ? "; the file that was there before is intact" : "";
            throw new CheckpointException($"{path}: cannot be written ({reason}){kept}", cause);
        }
        catch
        {
            TryDelete(beside);
            throw;
        }
    }

    // A write past the largest file a file system or user may have (4 GB on FAT32) comes as this from .NET, and not as an IOException.
    private static bool IsPastSizeLimit(Exception cause) => cause is ArgumentOutOfRangeException { ParamName: "value" };

    // Clearing up must not hide why the write failed: a leftover is overwritten by the next write.
    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            System.Diagnostics.Trace.TraceWarning($"{path}: {cause.Message}");
        }
    }
}
