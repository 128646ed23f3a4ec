using DinoSharp.Imaging;
using static TorchSharp.torch;

namespace DinoSharp.Data;

/// <summary>One whole image in its own shape. Its tensor is its own, in no dispose scope.</summary>
public sealed class WholeImage : IDisposable
{
    /// <summary>Which image of the source this is.</summary>
    public required int Index { get; init; }

    /// <summary>uint8 [1, H, W, C]; null if the image could not be used.</summary>
    public Tensor? Pixels { get; internal set; }

    public void Dispose() => Pixels?.Dispose();
}

/// <summary>
/// Loads whole images, shrunk to a longest side as Pillow's <c>thumbnail</c> does it, one by one in the source's order, on threads and
/// ahead of use. An image that cannot be used is noted in <see cref="Faults"/>.
/// </summary>
public sealed class WholeImageLoader
{
    private readonly LoaderOptions _options;
    private readonly DecodeOptions _decoding;

    /// <param name="source">Stays the caller's to dispose.</param>
    /// <param name="longestSide">What is larger is shrunk to this, in pixels.</param>
    /// <param name="options">Threads and so on; the batch's size and the seed play no role.</param>
    public WholeImageLoader(IImageSource source, int longestSide, LoaderOptions options)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(longestSide, 1);
        Source = source;
        LongestSide = longestSide;
        _options = options;
        _decoding = options.Decoding with { Reduction = null }; // evaluation sees every pixel
    }

    /// <summary>What is loaded.</summary>
    public IImageSource Source { get; }

    /// <summary>What larger images are shrunk to, in pixels.</summary>
    public int LongestSide { get; }

    /// <summary>What images are decoded to.</summary>
    public DecodeOptions Decoding => _decoding;

    /// <summary>The images that could not be used so far.</summary>
    public FaultLog Faults { get; } = new();

    /// <summary>Notes images that others could not use.</summary>
    /// <exception cref="ImageSourceException">More images are unusable than allowed.</exception>
    public void Note(IEnumerable<Fault> faults) => Faults.AddAll(faults, _options.FaultShareLimit, Source);

    /// <summary>Some images of the source, each the caller's to dispose. Loading stops with the enumeration.</summary>
    /// <param name="indices">which, in the order wanted</param>
    /// <exception cref="ImageSourceException">More images are unusable than allowed.</exception>
    public IEnumerable<WholeImage> Images(IReadOnlyList<int> indices)
    {
        // As many images may wait as threads load, and one more each, so that none of them idles while a large one is used.
        using BatchPipeline<WholeImage> pipeline = new(new Maker(this, indices), _options.Threads, 2 * _options.Threads);
        for (int i = 0; i < indices.Count; i++)
        {
            yield return pipeline.Next();
        }
    }

    private sealed class Maker(WholeImageLoader loader, IReadOnlyList<int> indices) : IBatchMaker<WholeImage>
    {
        public int Count => indices.Count;

        public int SizeOf(int batch) => 1;

        public WholeImage Begin(int batch) => new() { Index = indices[batch] };

        public void Fill(WholeImage target, int batch, int position)
        {
            using PixelImage? image = loader.Faults.TryLoad(loader.Source, target.Index, loader._decoding);
            if (image is null)
            {
                loader.Faults.ThrowIfMoreThan(loader._options.FaultShareLimit, loader.Source);
                return;
            }

            using PixelImage view = Thumbnail.Of(image, loader.LongestSide);
            target.Pixels = tensor(view.Pixels.ToArray(), [1, view.Height, view.Width, view.Channels], ScalarType.Byte)
                .DetachFromDisposeScope(); // [1, H, W, C]
        }
    }
}
