using DinoSharp.Cuda;

namespace DinoSharp.Training.Tests;

/// <summary>
/// A GPU whose memory is the computer's. Torch's stream does everything at once, as torch does on the CPU; the others do it as soon as they may
/// (eager), or only when somebody waits for it.
/// </summary>
internal sealed unsafe class FakeGpu(bool eager) : IGpu
{
    private readonly Dictionary<nint, Queue<Action>> _streams = [];
    private readonly Dictionary<nint, (nint Stream, int Recorded, int Reached)> _events = [];
    private nint _last;

    /// <summary>Copies begun.</summary>
    public int Copies { get; private set; }

    /// <summary>How often the host waited.</summary>
    public int Finishes { get; private set; }

    /// <summary>Streams and events that are there.</summary>
    public int Handles => _streams.Count + _events.Count;

    public nint TorchStream => 0;

    public void Enter()
    {
    }

    public nint NewStream()
    {
        _streams.Add(++_last, []);
        return _last;
    }

    public nint NewEvent()
    {
        _events.Add(++_last, default);
        return _last;
    }

    public void Record(nint reached, nint stream)
    {
        var state = _events[reached];
        int recorded = state.Recorded + 1;
        _events[reached] = (stream, recorded, stream == TorchStream ? recorded : state.Reached);
        if (stream != TorchStream)
        {
            Give(stream, () => _events[reached] = _events[reached] with { Reached = recorded });
        }
    }

    public void Await(nint stream, nint reached)
    {
        if (stream == TorchStream)
        {
            WorkUntil(reached);
        }
        else
        {
            Assert.Equal(_events[reached].Recorded, _events[reached].Reached); // of torch's stream, which is never behind
        }
    }

    public void Finish(nint reached)
    {
        Finishes++;
        WorkUntil(reached);
    }

    public void Copy(nint to, nint from, long bytes, nint stream)
    {
        Copies++;
        Give(stream, () => Buffer.MemoryCopy((void*)from, (void*)to, bytes, bytes));
    }

    public void Free(nint stream, params IEnumerable<nint> events)
    {
        Assert.True(_streams.Remove(stream));
        Assert.All(events, ended => Assert.True(_events.Remove(ended)));
    }

    private void Give(nint stream, Action work)
    {
        _streams[stream].Enqueue(work);
        while (eager && _streams[stream].TryDequeue(out var now))
        {
            now();
        }
    }

    private void WorkUntil(nint reached)
    {
        while (_events[reached].Reached < _events[reached].Recorded)
        {
            _streams[_events[reached].Stream].Dequeue()();
        }
    }
}
