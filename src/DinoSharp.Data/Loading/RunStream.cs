using System.Runtime.ExceptionServices;

namespace DinoSharp.Data;

/// <summary>
/// Reads the runs of a source front to back, a thread a lane, ahead of use, and hands the images out in the order of a
/// <see cref="StreamOrder"/>. In memory are the order's buffer and a little more, not decoded.
/// </summary>
internal sealed class RunStream : IDisposable
{
    /// <summary>Images read beyond the buffer, which keeps the lanes busy while images are decoded.</summary>
    private const int Ahead = 4 * StreamOrder.MostLanes;

    private readonly IStreamedSource _source;
    private readonly StreamOrder _order;
    private readonly int _first;
    private readonly Predicate<int> _isWanted;
    private readonly Thread[] _threads;
    private readonly object _gate = new();

    // All of these under _gate: what was read and not yet taken, by its place in the order.
    private readonly Dictionary<int, Arrival> _arrived = [];
    private int _asked;
    private ExceptionDispatchInfo? _failure;
    private bool _stopped;

    /// <param name="source">Stays the caller's to dispose.</param>
    /// <param name="order">Of one epoch.</param>
    /// <param name="first">The first place of the order that will be asked for; what comes before is skipped.</param>
    /// <param name="isWanted">Which places will be asked for; others are skipped, too.</param>
    public RunStream(IStreamedSource source, StreamOrder order, int first, Predicate<int> isWanted)
    {
        _isWanted = isWanted;
        _source = source;
        _order = order;
        _first = _asked = first;
        _threads = [.. Enumerable.Range(0, order.LaneCount).Select(lane => new Thread(() => ReadLane(lane))
        {
            IsBackground = true,
            Name = $"image reader {lane}",
        })];
        Array.ForEach(_threads, thread => thread.Start());
    }

    /// <summary>Waits for the image of a place in the order, which is then the caller's to dispose. Each place is asked for once.</summary>
    /// <exception cref="DinoSharp.Imaging.ImageFormatException">The run is damaged or cut short there.</exception>
    /// <exception cref="IOException">The run cannot be read.</exception>
    /// <exception cref="ObjectDisposedException">The stream was disposed.</exception>
    public EncodedImage Take(int position)
    {
        lock (_gate)
        {
            if (position >= _asked)
            {
                _asked = position + 1;
                Monitor.PulseAll(_gate);
            }

            Arrival arrival;
            while (!_arrived.Remove(position, out arrival))
            {
                _failure?.Throw();
                ObjectDisposedException.ThrowIf(_stopped, this);
                Monitor.Wait(_gate);
            }

            return arrival.Take();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }

        Array.ForEach(_threads, thread => thread.Join());
        lock (_gate)
        {
            foreach (Arrival arrival in _arrived.Values)
            {
                arrival.Image?.Dispose();
            }

            _arrived.Clear();
        }
    }

    private void ReadLane(int lane)
    {
        using RunCursor reader = new(_source);
        try
        {
            for (int step = 0; step < _order.Steps; step++)
            {
                int position = _order.PositionOf(step);
                if (_order.LaneOf(step) != lane || position < _first || !_isWanted(position))
                {
                    continue;
                }

                if (!WaitForRoom(step))
                {
                    return;
                }

                Arrival arrival = reader.Read(_order.Indices[position]);
                lock (_gate)
                {
                    _arrived.Add(position, arrival);
                    Monitor.PulseAll(_gate);
                }
            }
        }
        catch (Exception error)
        {
            // Whatever it is, the thread that asks for an image is the one to hear of it.
            lock (_gate)
            {
                _failure ??= ExceptionDispatchInfo.Capture(error);
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>
    /// The image of place p is read at step p + buffer at the latest, and that step is let through once p is asked for: no lane waits for
    /// an image that waits for the lane.
    /// </summary>
    private bool WaitForRoom(int step)
    {
        lock (_gate)
        {
            while (!_stopped && step >= _asked + _order.Buffer + Ahead)
            {
                Monitor.Wait(_gate);
            }

            return !_stopped;
        }
    }
}
