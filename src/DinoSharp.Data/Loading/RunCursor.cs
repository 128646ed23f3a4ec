using System.Runtime.ExceptionServices;

namespace DinoSharp.Data;

/// <summary>Reads images of a source run by run, each run front to back. Threads may take turns with it.</summary>
/// <param name="source">Stays the caller's to dispose.</param>
internal sealed class RunCursor(IStreamedSource source) : IDisposable
{
    private IRunReader? _reader;
    private int _start, _end;

    /// <param name="index">The image's index; within a run larger than at the last call.</param>
    public Arrival Read(int index)
    {
        try
        {
            if (_reader is null || index < _start || index >= _end)
            {
                Open(index);
            }

            return new Arrival(_reader!.Read(index), null);
        }
        catch (Exception error) when (FaultLog.IsFault(error))
        {
            return new Arrival(null, ExceptionDispatchInfo.Capture(error));
        }
    }

    public void Dispose() => _reader?.Dispose();

    private void Open(int index)
    {
        _reader?.Dispose();
        _reader = null;
        int run = source.RunOf(index);
        _reader = source.OpenRun(run);
        (_start, _end) = (source.RunStarts[run], source.RunStarts.EndOf(run, source.Count));
    }
}
