using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>
/// Loads the batches of training: on threads of this process, ahead of their use, one decode an image for all its views. What is in a
/// batch depends on the source, the recipe, the seed and the epoch alone; neither on the number of threads nor on where an epoch is
/// entered. An image that cannot be used is noted in <see cref="Faults"/>, and the next usable one of the source takes its place.
/// </summary>
public sealed class PrefetchLoader : IDisposable
{
    private readonly IImageSource _source;
    private readonly MultiCropRecipe _recipe;
    private readonly LoaderOptions _options;
    private readonly EpochOrder _order;
    private BatchPipeline<ViewBatch>? _pipeline;
    private TimeSpan _waited;
    private bool _disposed;

    /// <param name="source">Stays the caller's to dispose.</param>
    /// <param name="recipe">Which views are made.</param>
    /// <param name="options">The batches' size, the seed and so on.</param>
    /// <exception cref="ImageSourceException">The source has fewer images than a batch.</exception>
    public PrefetchLoader(IImageSource source, MultiCropRecipe recipe, LoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(options);
        if (source.Count < options.BatchSize)
        {
            throw new ImageSourceException(
                source.Path, $"its {source.Count} images do not fill a batch of {options.BatchSize}; choose a smaller batch size");
        }

        _source = source;
        _recipe = recipe;
        _options = options;
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
    }

    private IEnumerable<ViewBatch> Enumerate(int epoch, int firstBatch)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Stop();
        EpochMaker maker = new(this, epoch, firstBatch);
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
        if (_pipeline is { } pipeline)
        {
            pipeline.Dispose();
            _waited += pipeline.WaitTime;
            _pipeline = null;
        }
    }

    /// <summary>Finds the first usable image from an index on, going round at the source's end.</summary>
    private (PixelImage Image, int Index) LoadUsable(int wanted)
    {
        for (int i = 0; i < _source.Count; i++)
        {
            int index = (wanted + i) % _source.Count;
            if (Faults.Contains(index))
            {
                continue;
            }

            if (Faults.TryLoad(_source, index, _options.Decoding) is { } image)
            {
                return (image, index);
            }

            Faults.ThrowIfMoreThan(_options.FaultShareLimit, _source);
        }

        throw new ImageSourceException(_source.Path, "none of its images can be used; mend or replace them");
    }

    private sealed class EpochMaker(PrefetchLoader loader, int epoch, int firstBatch) : IBatchMaker<ViewBatch>
    {
        private readonly int[] _permutation = loader._order.Permutation(epoch);

        public int Count => loader.BatchesPerEpoch - firstBatch;

        public int SizeOf(int batch) => loader._options.BatchSize;

        public ViewBatch Begin(int batch) => new(loader._recipe, loader._options.BatchSize);

        public void Fill(ViewBatch target, int batch, int position)
        {
            int wanted = _permutation[(firstBatch + batch) * loader._options.BatchSize + position];
            (PixelImage image, int index) = loader.LoadUsable(wanted);
            using (image)
            {
                target.SetIndex(position, index);
                for (int view = 0; view < loader._recipe.ViewCount; view++)
                {
                    // Of the wanted image, so that one that takes its place does not show the same views twice.
                    SampleRandom random = new(loader._options.Seed, epoch, wanted, view);
                    using PixelImage pixels = loader._recipe.Make(image, view, ref random);
                    target.SetView(view, position, pixels);
                }
            }
        }
    }
}
