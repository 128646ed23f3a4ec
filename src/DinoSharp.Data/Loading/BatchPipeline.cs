using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace DinoSharp.Data;

/// <summary>What a <see cref="BatchPipeline{TBatch}"/> makes. Several threads call it at once.</summary>
/// <typeparam name="TBatch">A batch.</typeparam>
internal interface IBatchMaker<TBatch>
    where TBatch : IDisposable
{
    /// <summary>Number of batches.</summary>
    int Count { get; }

    /// <summary>Number of images in a batch, at least 1.</summary>
    int SizeOf(int batch);

    /// <summary>An empty batch.</summary>
    TBatch Begin(int batch);

    /// <summary>Puts an image into its place.</summary>
    void Fill(TBatch target, int batch, int position);
}

/// <summary>
/// Threads that make batches ahead of their use. The threads take image after image, so all of them work on the batch that is needed
/// next; batches leave in order, and no more than a given number is in memory.
/// </summary>
internal sealed class BatchPipeline<TBatch> : IDisposable
    where TBatch : IDisposable
{
    private readonly IBatchMaker<TBatch> _maker;
    private readonly int _depth;
    private readonly Thread[] _threads;
    private readonly Lock _disposal = new();
    private readonly object _gate = new();

    // All of these under _gate. The queue holds the batches from the next one to leave to the one whose images are being taken.
    private readonly Queue<Pending> _queue = new();
    private Pending? _filling;
    private int _begun;
    private ExceptionDispatchInfo? _failure;
    private bool _stopped;

    public BatchPipeline(IBatchMaker<TBatch> maker, int threads, int depth)
    {
        _maker = maker;
        _depth = depth;
        _threads = [.. Enumerable.Range(0, threads).Select(i => new Thread(Work) { IsBackground = true, Name = $"image loader {i}" })];
        Array.ForEach(_threads, thread => thread.Start());
    }

    /// <summary>How long <see cref="Next"/> has waited.</summary>
    public TimeSpan WaitTime { get; private set; }

    /// <summary>Waits for the next batch, which is then the caller's to dispose. Call it as often as there are batches.</summary>
    /// <exception cref="ObjectDisposedException">The pipeline was disposed.</exception>
    public TBatch Next()
    {
        long start = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            Pending? first = null;
            while (!_stopped && _failure is null && (!_queue.TryPeek(out first) || first.Unfilled > 0))
            {
                Monitor.Wait(_gate);
            }

            WaitTime += Stopwatch.GetElapsedTime(start);
            ObjectDisposedException.ThrowIf(_stopped, this);
            _failure?.Throw();
            _queue.Dequeue();
            Monitor.PulseAll(_gate);
            return first!.Batch;
        }
    }

    /// <summary>Ends the threads, and disposes the batches that have not left.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }

        lock (_disposal)
        {
            Array.ForEach(_threads, thread => thread.Join());
            while (_queue.TryDequeue(out Pending? pending))
            {
                pending.Batch.Dispose();
            }
        }
    }

    private void Work()
    {
        try
        {
            while (TakeImage() is (Pending pending, int position))
            {
                _maker.Fill(pending.Batch, pending.Number, position);
                lock (_gate)
                {
                    if (--pending.Unfilled == 0)
                    {
                        Monitor.PulseAll(_gate);
                    }
                }
            }
        }
        catch (Exception error)
        {
            // Whatever it is, the thread that asks for the batch is the one to hear of it.
            lock (_gate)
            {
                _failure ??= ExceptionDispatchInfo.Capture(error);
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>The next image to make, or null at the end.</summary>
    private (Pending Pending, int Position)? TakeImage()
    {
        lock (_gate)
        {
            while (!_stopped && _failure is null && _filling is null && _begun < _maker.Count && _queue.Count >= _depth)
            {
                Monitor.Wait(_gate);
            }

            if (_stopped || _failure is not null || (_filling is null && _begun == _maker.Count))
            {
                return null;
            }

            if (_filling is null)
            {
                _filling = new Pending(_begun, _maker.Begin(_begun), _maker.SizeOf(_begun));
                _begun++;
                _queue.Enqueue(_filling);
            }

            Pending pending = _filling;
            int position = pending.Taken++;
            if (pending.Taken == pending.Size)
            {
                _filling = null;
            }

            return (pending, position);
        }
    }

    private sealed class Pending(int number, TBatch batch, int size)
    {
        public int Number { get; } = number;

        public TBatch Batch { get; } = batch;

        public int Size { get; } = size;

        public int Taken { get; set; }

        public int Unfilled { get; set; } = size;
    }
}
