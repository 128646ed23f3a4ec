using System.Collections.Concurrent;
using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Data.Tests;

/// <summary>Small pictures in memory, which notes how it is read.</summary>
internal sealed class StreamedSource(int count, int runs) : IStreamedSource
{
    private int _open, _randomLoads;

    public int? Broken { get; init; }

    public bool Unforeseen { get; init; }

    public ConcurrentQueue<int> Reads { get; } = new();

    public ConcurrentQueue<int> Opened { get; } = new();

    public int OpenReaders => _open;

    public int RandomLoads => _randomLoads;

    public string Path => "streamed";

    public int Count => count;

    public IReadOnlyList<string> Classes => [];

    public IReadOnlyList<int> RunStarts { get; } = [.. Enumerable.Range(0, runs).Select(run => run * count / runs)];

    public string NameOf(int index) => $"{index}.png";

    public int LabelOf(int index) => -1;

    public PixelImage Load(int index, DecodeOptions options)
    {
        Interlocked.Increment(ref _randomLoads);
        return Read(index).Decode(options);
    }

    public IRunReader OpenRun(int run)
    {
        if (run == Broken)
        {
            throw new IOException($"shard {run} is gone");
        }

        Opened.Enqueue(run);
        Interlocked.Increment(ref _open);
        return new Reader(this);
    }

    public void Dispose()
    {
    }

    private EncodedImage Read(int index)
    {
        if (Broken is { } run && index / (count / runs) == run)
        {
            throw new IOException($"shard {run} is gone");
        }

        byte[] png = TestFolder.Png(index % 250, 6, 5);
        EncodedImage image = new(NameOf(index), png.Length);
        png.CopyTo(image.Bytes);
        return image;
    }

    private sealed class Reader(StreamedSource source) : IRunReader
    {
        private int _last = -1;

        public EncodedImage Read(int index)
        {
            Assert.True(index > _last, "a run is read front to back");
            _last = index;
            source.Reads.Enqueue(index);
            return source.Unforeseen ? throw new InvalidOperationException("unforeseen") : source.Read(index);
        }

        public void Dispose() => Interlocked.Decrement(ref source._open);
    }
}
