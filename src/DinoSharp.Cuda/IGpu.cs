namespace DinoSharp.Cuda;

/// <summary>
/// What TorchSharp does not have of a GPU: streams beside torch's own, the events by which one waits for another, and copies on them.
/// Nothing here waits on the host but <see cref="Finish"/>. Streams and events are handles of the driver; they end with <see cref="Free"/>.
/// </summary>
public interface IGpu
{
    /// <summary>Makes it the device of the calling thread, for libraries that ask for that one.</summary>
    void Enter();

    /// <summary>The stream on which torch computes, for the calling thread; 0 is the driver's default stream.</summary>
    nint TorchStream { get; }

    /// <summary>A stream that does not wait for the default stream.</summary>
    nint NewStream();

    /// <summary>An event, which counts as reached until it is first recorded.</summary>
    nint NewEvent();

    /// <summary>The event is reached when all is done that the stream has been given so far.</summary>
    void Record(nint reached, nint stream);

    /// <summary>What the stream is given from now on begins when the event, as it was last recorded, is reached.</summary>
    void Await(nint stream, nint reached);

    /// <summary>Returns when the event, as it was last recorded, is reached.</summary>
    void Finish(nint reached);

    /// <summary>Copies from the computer's memory; it is done beside other work where that memory is pinned.</summary>
    /// <param name="to">of the GPU; so must what it lies in live until the copy is done</param>
    /// <param name="from">of the computer, likewise</param>
    /// <param name="bytes">how many</param>
    /// <param name="stream">on which</param>
    void Copy(nint to, nint from, long bytes, nint stream);

    /// <summary>Ends a stream and events of it, which need not be done yet.</summary>
    void Free(nint stream, params IEnumerable<nint> events);
}
