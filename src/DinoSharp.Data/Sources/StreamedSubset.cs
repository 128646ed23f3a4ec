namespace DinoSharp.Data;

/// <summary>Some images of a streamed source. Its runs are the whole's, without the images that are not chosen.</summary>
internal sealed class StreamedSubset : SubsetSource, IStreamedSource
{
    private readonly IStreamedSource _whole;
    private readonly IReadOnlyList<int> _indices;
    private readonly List<int> _starts = [];
    private readonly List<int> _runs = [];

    /// <param name="whole">The source chosen from.</param>
    /// <param name="indices">Indices of its images, rising.</param>
    /// <param name="ownsWhole">Whether the whole is disposed with this.</param>
    public StreamedSubset(IStreamedSource whole, IReadOnlyList<int> indices, bool ownsWhole)
        : base(whole, indices, ownsWhole)
    {
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

    public IReadOnlyList<int> RunStarts => _starts;

    public IRunReader OpenRun(int run) => new Reader(_whole.OpenRun(_runs[run]), _indices);

    private sealed class Reader(IRunReader whole, IReadOnlyList<int> indices) : IRunReader
    {
        public EncodedImage Read(int index) => whole.Read(indices[index]);

        public void Dispose() => whole.Dispose();
    }
}
