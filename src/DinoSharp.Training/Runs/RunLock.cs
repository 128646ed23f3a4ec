namespace DinoSharp.Training.Runs;

/// <summary>A run folder in the hands of one process. The system lets go of it when the process ends, however it ends.</summary>
public sealed class RunLock : IDisposable
{
    internal const string FileName = "run.lock";

    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <summary>Takes a run folder.</summary>
    /// <exception cref="RunFolderException">One line: another process trains in it.</exception>
    public static RunLock Take(RunFolder folder)
    {
        string path = Path.Combine(folder.Path, FileName);
        try
        {
            return new RunLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new RunFolderException(
                $"{folder.Path} is in use ({cause.Message.TrimEnd('.')}): wait for the other process, or name another folder with --out",
                cause);
        }
    }

    public void Dispose() => _file.Dispose();
}
