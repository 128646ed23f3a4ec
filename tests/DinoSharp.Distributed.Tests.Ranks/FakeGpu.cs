using DinoSharp.Cuda;

namespace DinoSharp.Distributed.Tests.Ranks;

/// <summary>A GPU that does nothing and notes what it was given. Torch's stream is 0.</summary>
internal sealed class FakeGpu : IGpu
{
    public const nint FirstHandle = 1;

    private readonly HashSet<nint> _handles = [];
    private nint _last = FirstHandle - 1;

    /// <summary>What waits for what: record event@stream, await event@stream.</summary>
    public List<string> Calls { get; } = [];

    public int Handles => _handles.Count;

    public nint TorchStream => 0;

    public void Enter()
    {
    }

    public nint NewStream() => New();

    public nint NewEvent() => New();

    public void Record(nint reached, nint stream) => Calls.Add($"record {reached}@{stream}");

    public void Await(nint stream, nint reached) => Calls.Add($"await {reached}@{stream}");

    public void Finish(nint reached) => throw new NotSupportedException("the host waits for nothing");

    public void Copy(nint to, nint from, long bytes, nint stream) => throw new NotSupportedException("nothing is copied");

    public void Free(nint stream, params IEnumerable<nint> events) => _handles.ExceptWith(events.Append(stream));

    private nint New()
    {
        _handles.Add(++_last);
        return _last;
    }
}
