using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>Some images of a streamed source. Its runs are the whole's, without the images that are not chosen.</summary>
internal sealed class StreamedSubset : IStreamedSource
{
    private readonly SubsetSource _subset;
    private readonly IStreamedSource _whole;
    private readonly IReadOnlyList<int> _indices;
    private readonly List<int> _starts = [];
    private readonly List<int> _runs = [];

    /// <param name="subset">The same images, as they are when each is loaded on its own.</param>
    /// <param name="whole">The source chosen from.</param>
    /// <param name="indices">Indices of its images, rising.</param>
    public StreamedSubset(SubsetSource subset, IStreamedSource whole, IReadOnlyList<int> indices)
    {
        _subset = subset;
        _whole = whole;
        _indices = indices;
        int run = 0;
        for (int i = 0; i < indices.Count; i++)
        {
            while (run + 1 < whole.RunStarts.Count && whole.RunStarts[run + 1] <= indices[i])
            {
                run++;
            }

            if (_runs.Count == 0 || _runs[^1] != run)
            {
                _runs.Add(run);
                _starts.Add(i);
            }
        }
    }

    public string Path => _subset.Path;

    public int Count => _subset.Count;

    public IReadOnlyList<string> Classes => _subset.Classes;

    public IReadOnlyList<string> Notices => _subset.Notices;

    public IReadOnlyList<int> RunStarts => _starts;

    public string NameOf(int index) => _subset.NameOf(index);

    public int LabelOf(int index) => _subset.LabelOf(index);

    public string? FileOf(int index) => _subset.FileOf(index);

    public PixelImage Load(int index, DecodeOptions options) => _subset.Load(index, options);

    public IRunReader OpenRun(int run) => new Reader(_whole.OpenRun(_runs[run]), _indices);

    public void Dispose() => _subset.Dispose();

    private sealed class Reader(IRunReader whole, IReadOnlyList<int> indices) : IRunReader
    {
        public EncodedImage Read(int index) => whole.Read(indices[index]);

        public void Dispose() => whole.Dispose();
    }
}
