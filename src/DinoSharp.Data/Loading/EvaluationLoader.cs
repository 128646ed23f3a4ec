using DinoSharp.Imaging;

namespace DinoSharp.Data;

/// <summary>
/// Loads every image of a source once, in its order, on threads and ahead of use. An image that cannot be used is noted in
/// <see cref="Faults"/> and left out.
/// </summary>
public sealed class EvaluationLoader
{
    private readonly IEvaluationRecipe _recipe;
    private readonly LoaderOptions _options;
    private readonly DecodeOptions _decoding;

    /// <param name="source">Stays the caller's to dispose.</param>
    /// <param name="recipe">How an image is made a view.</param>
    /// <param name="options">The batches' size and so on; the seed plays no role.</param>
    public EvaluationLoader(IImageSource source, IEvaluationRecipe recipe, LoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(options);
        Source = source;
        _recipe = recipe;
        _options = options;
        _decoding = options.Decoding with { Reduction = null }; // evaluation sees every pixel
    }

    /// <summary>What is loaded.</summary>
    public IImageSource Source { get; }

    /// <summary>The last batch may be smaller.</summary>
    public int BatchCount => (Source.Count - 1) / _options.BatchSize + 1;

    /// <summary>The images that could not be used so far.</summary>
    public FaultLog Faults { get; } = new();

    /// <summary>All batches, each the caller's to dispose. Loading stops with the enumeration.</summary>
    /// <exception cref="ImageSourceException">More images are unusable than allowed.</exception>
    public IEnumerable<EvaluationBatch> Batches()
    {
        using BatchPipeline<EvaluationBatch> pipeline = new(new Maker(this), _options.Threads, _options.Prefetch);
        for (int i = 0; i < BatchCount; i++)
        {
            EvaluationBatch batch = pipeline.Next();
            batch.Complete(Source);
            yield return batch;
        }
    }

    private sealed class Maker(EvaluationLoader loader) : IBatchMaker<EvaluationBatch>
    {
        public int Count => loader.BatchCount;

        public int SizeOf(int batch) => Math.Min(loader._options.BatchSize, loader.Source.Count - batch * loader._options.BatchSize);

        public EvaluationBatch Begin(int batch) => new(batch * loader._options.BatchSize, SizeOf(batch), loader._recipe.CropSize, loader._decoding.Channels);

        public void Fill(EvaluationBatch target, int batch, int position)
        {
            int index = batch * loader._options.BatchSize + position;
            using PixelImage? image = loader.Faults.TryLoad(loader.Source, index, loader._decoding);
            if (image is null)
            {
                loader.Faults.ThrowIfMoreThan(loader._options.FaultShareLimit, loader.Source);
                return;
            }

            using PixelImage view = loader._recipe.Make(image);
            target.Set(position, view);
        }
    }
}
