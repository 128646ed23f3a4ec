namespace DinoSharp.Data;

/// <summary>
/// The order in which an epoch visits the samples: a permutation that depends on nothing but the seed and the epoch, cut into full
/// batches. Samples that would fill no whole batch are left out, each epoch others.
/// </summary>
public sealed class EpochOrder
{
    private readonly int _count;
    private readonly ulong _seed;

    /// <param name="count">How many samples there are.</param>
    /// <param name="batchSize">How many a batch has, at least 1.</param>
    public EpochOrder(int count, int batchSize, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        _count = count;
        _seed = seed;
        BatchesPerEpoch = count / batchSize;
    }

    public int BatchesPerEpoch { get; }

    /// <summary>All samples' indices; batch b has those from b times the batch size on.</summary>
    public int[] Permutation(int epoch) => Shuffled(_count, _seed, epoch);

    /// <summary>The numbers from 0 to below <paramref name="count"/> in an order of the epoch's own.</summary>
    internal static int[] Shuffled(int count, ulong seed, int epoch)
    {
        // No sample has the index -1, so no view shares these numbers.
        SampleRandom random = new(seed, epoch, index: -1, view: 0);
        int[] order = [.. Enumerable.Range(0, count)];
        for (int i = count - 1; i > 0; i--)
        {
            int j = random.NextInt(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return order;
    }
}
