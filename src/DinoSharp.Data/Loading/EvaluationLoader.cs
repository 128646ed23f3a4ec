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

    /// <summary>Side of a view in pixels.</summary>
    public int CropSize => _recipe.CropSize;

    /// <summary>All that decides what is shown of an image, in one line.</summary>
    public string View => $"{_recipe.Description}, {_decoding}";

    /// <summary>Images of a batch; the last one may have fewer.</summary>
    public int BatchSize => _options.BatchSize;

    /// <summary>The images that could not be used so far.</summary>
    public FaultLog Faults { get; } = new();

    /// <summary>Notes images that earlier work or others could not use.</summary>
    /// <exception cref="ImageSourceException">More images are unusable than allowed.</exception>
    public void Note(IEnumerable<Fault> faults) => Faults.AddAll(faults, _options.FaultShareLimit, Source);

    /// <summary>All batches, each the caller's to dispose. Loading stops with the enumeration.</summary>
    /// <exception cref="ImageSourceException">More images are unusable than allowed.</exception>
    public IEnumerable<EvaluationBatch> Batches() => Batches(0, Source.Count);

    /// <summary>The batches of a run of images, the first of which begins with the run.</summary>
    /// <param name="first">The image to begin with.</param>
    /// <param name="end">The first image behind the run.</param>
    /// <exception cref="ImageSourceException">More images are unusable than allowed.</exception>
    public IEnumerable<EvaluationBatch> Batches(int first, int end)
    {
        Maker maker = new(this, first, end);
        using BatchPipeline<EvaluationBatch> pipeline = new(maker, _options.Threads, _options.Prefetch);
        for (int i = 0; i < maker.Count; i++)
        {
            EvaluationBatch batch = pipeline.Next();
            batch.Complete(Source);
            yield return batch;
        }
    }

    private sealed class Maker(EvaluationLoader loader, int first, int end) : IBatchMaker<EvaluationBatch>
    {
        public int Count => (int)(((long)end - first + loader.BatchSize - 1) / loader.BatchSize);

        public int SizeOf(int batch) => Math.Min(loader.BatchSize, end - FirstOf(batch));

        public EvaluationBatch Begin(int batch) => new(FirstOf(batch), SizeOf(batch), loader._recipe.CropSize, loader._decoding.Channels);

        public void Fill(EvaluationBatch target, int batch, int position)
        {
            int index = FirstOf(batch) + position;
            using PixelImage? image = loader.Faults.TryLoad(loader.Source, index, loader._decoding);
            if (image is null)
            {
                loader.Faults.ThrowIfMoreThan(loader._options.FaultShareLimit, loader.Source);
                return;
            }

            using PixelImage view = loader._recipe.Make(image);
            target.Set(position, view);
        }

        private int FirstOf(int batch) => first + batch * loader.BatchSize;
    }
}
