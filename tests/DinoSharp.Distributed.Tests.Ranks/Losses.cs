using static TorchSharp.torch;

namespace DinoSharp.Distributed.Tests.Ranks;

/// <summary>Losses that differ from rank to rank, so that a gradient that misses a rank's part is wrong.</summary>
internal static class Losses
{
    public static Tensor OfSum(Tensor sum, int rank) => ((rank + 1) * sum.sin()).sum();

    public static Tensor OfRows(Tensor rows, int rank)
    {
        var weights = (arange(rows.NumberOfElements, ScalarType.Float64) + 1 + rank * 10).cos().view(rows.shape);
        return (weights * rows * rows).sum();
    }
}
