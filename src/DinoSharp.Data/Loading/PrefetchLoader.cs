using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>
/// Loads the batches of training: on threads of this process, ahead of their use, one decode an image for all its views. What is in a
/// batch depends on the source, the recipe, the seed and the epoch alone; neither on the number of threads nor on where an epoch is
/// entered. An image that cannot be used is noted in <see cref="Faults"/>, and a usable one, chosen by chance, takes its place.
/// </summary>
/// <remarks>
/// A streamed source is read front to back, several runs side by side, through a shuffle buffer; any other in an order that is shuffled
/// as a whole.
/// </remarks>
public sealed class PrefetchLoader : IDisposable
{
    private readonly IImageSource _source;
    private readonly IViewRecipe _recipe;
    private readonly LoaderOptions _options;
    private readonly DecodeOptions _decoding;
    private readonly EpochOrder _order;
    private readonly BatchMemory _memory = new();
    private EpochMaker? _maker;
    private BatchPipeline<ViewBatch>? _pipeline;
    private TimeSpan _waited;
    private bool _disposed;

    /// <param name="source">Stays the caller's to dispose.</param>
    /// <param name="recipe">Which views are made.</param>
    /// <param name="options">The batches' size, the seed and so on.</param>
    /// <exception cref="ImageSourceException">The source has fewer images than a batch.</exception>
    public PrefetchLoader(IImageSource source, IViewRecipe recipe, LoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(options);
        if (source.Count < options.BatchSize)
        {
            throw new ImageSourceException(
                source.Path, $"its {source.Count} images do not fill a batch of {options.BatchSize}; choose a smaller batch size");
        }

        if (options.BatchSize % options.Shares != 0)
        {
            throw new ArgumentException($"a batch of {options.BatchSize} images does not go into {options.Shares} equal shares", nameof(options));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(options.Share);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(options.Share, options.Shares);
        _source = source;
        _recipe = recipe;
        _options = options;
        _decoding = recipe.Decoding(options.Decoding);
        _order = new EpochOrder(source.Count, options.BatchSize, options.Seed);
    }

    /// <summary>Full batches an epoch; the images left over are others each epoch.</summary>
    public int BatchesPerEpoch => _order.BatchesPerEpoch;

    /// <summary>The images that could not be used so far.</summary>
    public FaultLog Faults { get; } = new();

    /// <summary>How long the user of the batches has waited for them, in all.</summary>
    public TimeSpan WaitTime => _waited + (_pipeline?.WaitTime ?? TimeSpan.Zero);

    /// <summary>
    /// An epoch's batches, each the caller's to dispose. Loading starts with the enumeration and stops with its end, however that comes
    /// about; starting another one, too, stops it.
    /// </summary>
    /// <param name="epoch">Number of the epoch, from 0.</param>
    /// <param name="firstBatch">The batch to begin with, for going on where an earlier run stopped.</param>
    /// <exception cref="ImageSourceException">More images are unusable than allowed.</exception>
    /// <exception cref="ObjectDisposedException">The loader was disposed.</exception>
    public IEnumerable<ViewBatch> Epoch(int epoch, int firstBatch = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, BatchesPerEpoch);
        return Enumerate(epoch, firstBatch);
    }

    public void Dispose()
    {
        _disposed = true;
        Stop();
        _memory.Dispose();
    }

    private IEnumerable<ViewBatch> Enumerate(int epoch, int firstBatch)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Stop();
        EpochMaker maker = _maker = new EpochMaker(this, epoch, firstBatch);
        BatchPipeline<ViewBatch> pipeline = _pipeline = new BatchPipeline<ViewBatch>(maker, _options.Threads, _options.Prefetch);
        try
        {
            for (int i = 0; i < maker.Count; i++)
            {
                yield return pipeline.Next();
            }
        }
        finally
        {
            if (_pipeline == pipeline)
            {
                Stop();
            }
        }
    }

    private void Stop()
    {
        _maker?.Dispose(); // first, for the pipeline's threads may be waiting for a stream
        _maker = null;
        if (_pipeline is { } pipeline)
        {
            pipeline.Dispose();
            _waited += pipeline.WaitTime;
            _pipeline = null;
        }
    }

    /// <summary>A usable image in place of one that is not: the first from a random place on, going round at the source's end.</summary>
    private (PixelImage Image, int Index) LoadAnother(int epoch, int unusable)
    {
        Faults.ThrowIfMoreThan(_options.FaultShareLimit, _source);
        SampleRandom random = new(_options.Seed, epoch, unusable, view: -1); // no view's numbers
        int start = random.NextInt(_source.Count);
        for (int i = 0; i < _source.Count; i++)
        {
            int index = (start + i) % _source.Count;
            if (Faults.Contains(index))
            {
                continue;
            }

            if (Faults.TryLoad(_source, index, _decoding) is { } image)
            {
                return (image, index);
            }

            Faults.ThrowIfMoreThan(_options.FaultShareLimit, _source);
        }

        throw new ImageSourceException(_source.Path, "none of its images can be used; mend or replace them");
    }

    private sealed class EpochMaker : IBatchMaker<ViewBatch>, IDisposable
    {
        private readonly PrefetchLoader _loader;
        private readonly int _epoch;
        private readonly int _firstBatch;
        private readonly int[] _indices;
        private readonly RunStream? _stream;

        public EpochMaker(PrefetchLoader loader, int epoch, int firstBatch)
        {
            (_loader, _epoch, _firstBatch) = (loader, epoch, firstBatch);
            if (loader._source is IStreamedSource streamed)
            {
                LoaderOptions options = loader._options;
                StreamOrder order = new(streamed.RunStarts, streamed.Count, options.ShuffleBuffer, options.Seed, epoch);
                _indices = order.Indices;
                _stream = new RunStream(streamed, order, firstBatch * options.BatchSize, IsOwn);
            }
            else
            {
                _indices = loader._order.Permutation(epoch);
            }
        }

        public int Count => _loader.BatchesPerEpoch - _firstBatch;

        public int SizeOf(int batch) => _loader._options.ShareSize;

        public ViewBatch Begin(int batch) => new(_loader._recipe, _loader._options.ShareSize, _loader._decoding.Channels, _loader._memory, _loader._options.Pinned);

        public void Fill(ViewBatch target, int batch, int position)
        {
            LoaderOptions options = _loader._options;
            int place = (_firstBatch + batch) * options.BatchSize + options.Share * options.ShareSize + position, wanted = _indices[place];
            (PixelImage image, int index) = TryLoad(place, wanted) is { } usable ? (usable, wanted) : _loader.LoadAnother(_epoch, wanted);
            using (image)
            {
                target.SetIndex(position, index);
                for (int view = 0; view < _loader._recipe.ViewCount; view++)
                {
                    // Of the wanted image, so that one that takes its place does not show the same views twice.
                    SampleRandom random = new(_loader._options.Seed, _epoch, wanted, view);
                    using PixelImage pixels = _loader._recipe.Make(image, view, ref random);
                    target.SetView(view, position, pixels);
                }
            }
        }

        public void Dispose() => _stream?.Dispose();

        private bool IsOwn(int place) => place % _loader._options.BatchSize / _loader._options.ShareSize == _loader._options.Share;

        private PixelImage? TryLoad(int place, int index) =>
            _stream is { } stream ? _loader.Faults.TryTake(_loader._source, index, () => stream.Take(place), _loader._decoding)
            : _loader.Faults.Contains(index) ? null
            : _loader.Faults.TryLoad(_loader._source, index, _loader._decoding);
    }
}
