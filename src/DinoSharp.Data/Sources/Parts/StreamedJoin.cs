using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>Several streamed sources as one: the runs of each, as often as its part of the epoch has them.</summary>
internal sealed class StreamedJoin : IStreamedSource
{
    private readonly JoinedSource _joined;
    private readonly IReadOnlyList<IStreamedSource> _sources;
    private readonly JoinedPart[] _parts;
    private readonly List<int> _starts = [];
    private readonly List<(int Part, int Run)> _runs = [];

    /// <param name="joined">The same images, as they are when each is loaded on its own.</param>
    /// <param name="sources">The sources.</param>
    /// <param name="parts">What each has of an epoch.</param>
    public StreamedJoin(JoinedSource joined, IReadOnlyList<IStreamedSource> sources, JoinedPart[] parts)
    {
        _joined = joined;
        _sources = sources;
        _parts = parts;
        for (int part = 0; part < parts.Length; part++)
        {
            AddRuns(part);
        }
    }

    public string Path => _joined.Path;

    public int Count => _joined.Count;

    public IReadOnlyList<string> Classes => _joined.Classes;

    public IReadOnlyList<string> Notices => _joined.Notices;

    public IReadOnlyList<int> RunStarts => _starts;

    public string NameOf(int index) => _joined.NameOf(index);

    public int LabelOf(int index) => _joined.LabelOf(index);

    public string? FileOf(int index) => _joined.FileOf(index);

    public PixelImage Load(int index, DecodeOptions options) => _joined.Load(index, options);

    public IRunReader OpenRun(int run)
    {
        (int part, int own) = _runs[run];
        return new Reader(_sources[part].OpenRun(own), _parts[part]);
    }

    public void Dispose() => _joined.Dispose();

    /// <summary>Each pass through a source begins its runs anew.</summary>
    private void AddRuns(int part)
    {
        IReadOnlyList<int> starts = _sources[part].RunStarts;
        int run = 0, last = -1;
        for (int index = _parts[part].Start; index < _parts[part].Start + _parts[part].Count; index++)
        {
            int image = _parts[part].ImageAt(index);
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
