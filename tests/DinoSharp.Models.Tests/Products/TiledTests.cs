using DinoSharp.Models.Products;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests.Products;

/// <summary>Tests of what our products compute: skipped where they cannot, and what multiplies afterwards is as before.</summary>
public abstract class TiledTests : IDisposable
{
    private readonly bool _before;

    protected TiledTests()
    {
        TorchRuntime.Tune();
        _before = MatrixKernels.TilesInUse;
        Assert.SkipUnless(ProductTile.IsSupported && TorchThreads.Reachable, "our products need AVX-512 and torch's OpenMP threads");
    }

    public void Dispose()
    {
        MatrixKernels.TilesInUse = _before;
        GC.SuppressFinalize(this);
    }

    /// <summary>The same bits with one thread and with several.</summary>
    protected static void SameOnAnyThreads(Func<Tensor[]> compute)
    {
        int threads = get_num_threads();
        try
        {
            var results = new[] { 1, 2, 3, 5 }.Select(count =>
            {
                set_num_threads(count);
                return compute();
            }).ToArray();
            Assert.All(results, others => Assert.All(others.Zip(results[0]), pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>())));
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    /// <param name="expected">in float64 or float32</param>
    /// <param name="actual">of the same shape</param>
    /// <param name="tolerance">of the largest element</param>
    protected static void Close(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        double scale = Math.Max(1e-3, expected.abs().max().to(ScalarType.Float64).item<double>());
        Assert.InRange((expected - actual).abs().max().to(ScalarType.Float64).item<double>() / scale, 0, tolerance);
    }
}
