using System.Collections.Concurrent;

namespace DinoSharp.Data;

/// <summary>
/// The memory of batches that were disposed, for the next ones. Loader threads would take it anew, and threads that come and go leave the
/// C heap's parts each as large as they once were.
/// </summary>
internal sealed class BatchMemory : IDisposable
{
    private readonly ConcurrentBag<PixelTensor[]> _unused = [];
    private volatile bool _disposed;

    /// <summary>Memory that a batch had, or new one.</summary>
    public PixelTensor[] Take(Func<PixelTensor[]> create) => _unused.TryTake(out PixelTensor[]? tensors) ? tensors : create();

    /// <summary>Takes memory back that no batch uses any more.</summary>
    public void Give(PixelTensor[] tensors)
    {
        _unused.Add(tensors);
        if (_disposed)
        {
            Empty();
        }
    }

    public void Dispose()
    {
        _disposed = true;
        Empty();
    }

    private void Empty()
    {
        while (_unused.TryTake(out PixelTensor[]? tensors))
        {
            Array.ForEach(tensors, tensor => tensor.Dispose());
        }
    }
}
