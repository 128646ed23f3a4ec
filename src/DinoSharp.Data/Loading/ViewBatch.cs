using DinoSharp.Imaging;
using static TorchSharp.torch;

namespace DinoSharp.Data;

/// <summary>The views of a batch of images. Its tensors are its own, in no dispose scope: they live until it is disposed.</summary>
public sealed class ViewBatch : IDisposable
{
    private readonly BatchMemory _memory;
    private readonly (int Resolution, int Place)[] _places;
    private readonly long[] _indices;
    private PixelTensor[]? _tensors;

    internal ViewBatch(IViewRecipe recipe, int batchSize, int channels, BatchMemory memory, bool pinned = false)
    {
        List<int> sizes = [], counts = [];
        _places = new (int, int)[recipe.ViewCount];
        for (int view = 0; view < recipe.ViewCount; view++)
        {
            if (sizes.Count == 0 || sizes[^1] != recipe.SizeOf(view))
            {
                sizes.Add(recipe.SizeOf(view));
                counts.Add(0);
            }

            _places[view] = (sizes.Count - 1, counts[^1]++);
        }

        _indices = new long[batchSize];
        _memory = memory;
        _tensors = memory.Take(() => [.. sizes.Zip(counts, (size, count) => new PixelTensor(count * batchSize, size, channels, pinned))]);
        Pixels = [.. _tensors.Select(pixels => pixels.Tensor.alias().DetachFromDisposeScope())];
        ViewsPerResolution = counts;
    }

    /// <summary>
    /// A tensor a resolution, uint8 [views * B, H, W, C], view by view: rows v * B to (v + 1) * B - 1 are view v of all images.
    /// Neighbouring views of the same size share a tensor.
    /// </summary>
    public IReadOnlyList<Tensor> Pixels { get; }

    /// <summary>How many views each tensor of <see cref="Pixels"/> holds.</summary>
    public IReadOnlyList<int> ViewsPerResolution { get; }

    /// <summary>Which image of the source each of the B images is.</summary>
    public IReadOnlyList<long> Indices => _indices;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _tensors, null) is { } tensors)
        {
            // Whoever keeps one of these finds it disposed, and not the next batch's pixels in it.
            foreach (Tensor pixels in Pixels)
            {
                pixels.Dispose();
            }

            _memory.Give(tensors);
        }
    }

    internal void SetIndex(int position, int index) => _indices[position] = index;

    internal void SetView(int view, int position, PixelImage image)
    {
        (int resolution, int place) = _places[view];
        _tensors![resolution].SetRow(place * _indices.Length + position, image);
    }
}
