namespace DinoSharp.Data;

/// <summary>Several streamed sources as one: the runs of each, as often as its part of the epoch has them.</summary>
internal sealed class StreamedJoin : JoinedSource, IStreamedSource
{
    private readonly IReadOnlyList<IStreamedSource> _sources;
    private readonly List<int> _starts = [];
    private readonly List<(int Part, int Run)> _runs = [];

    /// <param name="sources">The sources.</param>
    /// <param name="parts">What each has of an epoch.</param>
    public StreamedJoin(IReadOnlyList<IStreamedSource> sources, JoinedPart[] parts)
        : base(sources, parts)
    {
        _sources = sources;
        for (int part = 0; part < parts.Length; part++)
        {
            AddRuns(part);
        }
    }

    public IReadOnlyList<int> RunStarts => _starts;

    public IRunReader OpenRun(int run)
    {
        (int part, int own) = _runs[run];
        return new Reader(_sources[part].OpenRun(own), Parts[part]);
    }

    /// <summary>Each pass through a source begins its runs anew.</summary>
    private void AddRuns(int part)
    {
        IReadOnlyList<int> starts = _sources[part].RunStarts;
        int run = 0, last = -1;
        for (int index = Parts[part].Start; index < Parts[part].Start + Parts[part].Count; index++)
        {
            int image = Parts[part].ImageAt(index);
            bool begins = image <= last || last < 0;
            for (run = begins ? 0 : run; run + 1 < starts.Count && starts[run + 1] <= image; run++)
            {
                begins = true;
            }

            if (begins)
            {
                _starts.Add(index);
                _runs.Add((part, run));
            }

            last = image;
        }
    }

    private sealed class Reader(IRunReader source, JoinedPart part) : IRunReader
    {
        public EncodedImage Read(int index) => source.Read(part.ImageAt(index));

        public void Dispose() => source.Dispose();
    }
}
