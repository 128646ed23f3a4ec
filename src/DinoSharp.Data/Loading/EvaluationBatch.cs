using DinoSharp.Imaging;
using static TorchSharp.torch;

namespace DinoSharp.Data;

/// <summary>Images in the source's order, as evaluation sees them. Its tensor is its own, in no dispose scope.</summary>
public sealed class EvaluationBatch : IDisposable
{
    private readonly PixelTensor _rows;
    private readonly bool[] _usable;
    private Tensor? _usableRows;

    internal EvaluationBatch(int first, int count, int side, int channels)
    {
        First = first;
        _rows = new PixelTensor(count, side, channels);
        _usable = new bool[count];
    }

    /// <summary>uint8 [B, H, W, C]; B is 0 if no image of the batch could be used.</summary>
    public Tensor Pixels => _usableRows ?? _rows.Tensor;

    /// <summary>Which image of the source each row is.</summary>
    public IReadOnlyList<int> Indices { get; private set; } = [];

    /// <summary>The rows' classes; -1 where there are none.</summary>
    public IReadOnlyList<int> Labels { get; private set; } = [];

    /// <summary>The first image of the source in the batch, whether it could be used or not.</summary>
    public int First { get; }

    /// <summary>The first image of the source behind the batch, whichever of its images could be used.</summary>
    public int End => First + _usable.Length;

    public void Dispose()
    {
        _usableRows?.Dispose();
        _rows.Dispose();
    }

    internal void Set(int position, PixelImage image)
    {
        _rows.SetRow(position, image);
        _usable[position] = true;
    }

    /// <summary>Takes out the rows of images that could not be used.</summary>
    internal void Complete(IImageSource source)
    {
        long[] rows = [.. _usable.Index().Where(pair => pair.Item).Select(pair => (long)pair.Index)];
        Indices = [.. rows.Select(row => First + (int)row)];
        Labels = [.. Indices.Select(source.LabelOf)];
        if (rows.Length < _usable.Length)
        {
            using Tensor kept = tensor(rows, ScalarType.Int64); // [B]
            _usableRows = _rows.Tensor.index_select(0, kept).DetachFromDisposeScope(); // [B, H, W, C]
        }
    }
}
