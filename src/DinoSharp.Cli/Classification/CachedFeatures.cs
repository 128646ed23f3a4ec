using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using DinoSharp.Training;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Classification;

/// <summary>Features that were taken once, as the batches of a training.</summary>
internal sealed class CachedFeatures : IDisposable
{
    private readonly Tensor _features; // [N, D]
    private readonly EpochOrder _order;
    private readonly int _batchSize;

    /// <param name="table">of the images that can be used; a batch names its rows</param>
    /// <param name="batchSize">rows a batch</param>
    /// <param name="seed">decides the order</param>
    /// <param name="device">where they are wanted</param>
    /// <exception cref="RequestException">The rows do not fill a batch.</exception>
    public CachedFeatures(FeatureTable table, int batchSize, long seed, Device device)
    {
        if (table.Rows < batchSize)
        {
            throw new RequestException($"{table.Rows} usable images do not fill a batch of {batchSize}; choose a smaller --batch-size");
        }

        using var scope = NewDisposeScope();
        _batchSize = batchSize;
        _features = tensor(table.Values, table.Rows, table.Dim).to(device).DetachFromDisposeScope();
        _order = new EpochOrder(table.Rows, batchSize, (ulong)seed);
    }

    /// <summary>Full batches an epoch.</summary>
    public int BatchesPerEpoch => _order.BatchesPerEpoch;

    /// <summary>The batches of an epoch from a given one on. Each lives until the next is asked for.</summary>
    public IEnumerable<TrainingBatch> Epoch(int epoch, int firstBatch)
    {
        int[] order = _order.Permutation(epoch);
        for (int batch = firstBatch; batch < BatchesPerEpoch; batch++)
        {
            long[] rows = [.. order.Skip(batch * _batchSize).Take(_batchSize).Select(row => (long)row)];
            using var index = tensor(rows, ScalarType.Int64, _features.device).DetachFromDisposeScope();
            using var features = _features.index_select(0, index).DetachFromDisposeScope(); // [B, D]
            yield return new TrainingBatch([features], rows);
        }
    }

    public void Dispose() => _features.Dispose();
}
