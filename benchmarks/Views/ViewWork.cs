using DinoSharp.Data;
using DinoSharp.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Benchmarks.Views;

/// <summary>What is made of each image, and the batches that it goes to: one of these per thread.</summary>
internal sealed class ViewWork : IDisposable
{
    /// <summary>Images a batch.</summary>
    private const int BatchSize = 20;

    private readonly ViewKind _kind;
    private readonly Tensor[] _pixels;
    private int _filled;

    public ViewWork(ViewKind kind)
    {
        _kind = kind;
        _pixels = [.. kind.Resolutions.Select(r => empty([r.Count * BatchSize, r.Side, r.Side, 3], ScalarType.Byte))]; // [V B, H, W, 3]
    }

    public static DecodeOptions Decoding { get; } = new();

    /// <summary>Decodes, makes all views, and normalises whole batches, of the images that no other thread has taken.</summary>
    /// <param name="images">As they are encoded.</param>
    /// <param name="taken">How many are taken already, by all threads.</param>
    public void Run(IReadOnlyList<byte[]> images, ref int taken)
    {
        for (int i = Interlocked.Increment(ref taken) - 1; i < images.Count; i = Interlocked.Increment(ref taken) - 1)
        {
            using var image = ImageDecoder.Decode(images[i], "image", Decoding);
            for (int view = 0; view < _kind.ViewCount; view++)
            {
                using var pixels = _kind.Make(image, i, view);
                Copy(pixels, view);
            }

            Filled();
        }

        Normalize();
    }

    /// <summary>Copies a view to its place in the batch.</summary>
    public void Copy(PixelImage pixels, int view)
    {
        var (resolution, place) = _kind.PlaceOf(view);
        int length = pixels.Pixels.Length, row = place * BatchSize + _filled;
        pixels.Pixels.CopyTo(_pixels[resolution].bytes.Slice(row * length, length));
    }

    /// <summary>An image is done; where it was the batch's last, the batch is normalised.</summary>
    public void Filled()
    {
        if (++_filled == BatchSize)
        {
            Normalize();
        }
    }

    public void Dispose() => Array.ForEach(_pixels, pixels => pixels.Dispose());

    private void Normalize()
    {
        if (_filled > 0)
        {
            foreach (var pixels in _pixels)
            {
                using var normalized = PixelNormalization.ImageNet.Apply(pixels, CPU);
            }
        }

        _filled = 0;
    }
}
