using DinoSharp.Distributed;
using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests;

/// <summary>Batch norm of a whole batch, and of one that several processes share.</summary>
public sealed class BatchNormTests
{
    [Theory]
    [InlineData(new long[] { 6, 5 })]
    [InlineData(new long[] { 6, 5, 3, 2 })]
    public void Alone_it_is_torchs_own(long[] shape)
    {
        using var scope = NewDisposeScope();
        var input = randn(shape);
        using BatchNorm norm = new(5);
        using nn.Module<Tensor, Tensor> torchs = shape.Length == 2 ? nn.BatchNorm1d(5) : nn.BatchNorm2d(5);
        Assert.Equal(torchs.state_dict().Keys, norm.state_dict().Keys);
        for (int step = 0; step < 3; step++)
        {
            Same(torchs.forward(input), norm.forward(input), "output");
        }

        Assert.All(torchs.state_dict(), entry => Same(entry.Value, norm.state_dict()[entry.Key], entry.Key));
        torchs.eval();
        norm.eval();
        Same(torchs.forward(input), norm.forward(input), "output");
    }

    private static void Same(Tensor expected, Tensor actual, string what) =>
        Assert.True(expected.eq(actual).all().item<bool>(), what);

    /// <summary>Outputs, statistics, and gradients by inputs, weights and biases, in float64: shared by three, they are those of the whole.</summary>
    [Theory]
    [InlineData(new long[] { 6, 5 }, true)]
    [InlineData(new long[] { 6, 5 }, false)]
    [InlineData(new long[] { 6, 5, 3, 2 }, true)]
    public void Shared_it_is_that_of_the_whole_batch(long[] shape, bool affine)
    {
        const int ranks = 3;
        using var scope = NewDisposeScope();
        var input = randn(shape, ScalarType.Float64) * 0.5 + 30;
        var direction = randn(shape, ScalarType.Float64);
        var expected = Pass(input, direction, affine, null);
        var parts = input.chunk(ranks);
        var directions = direction.chunk(ranks);
        var results = ThreadRanks.Run(
            ranks, group => Pass(parts[group.Rank], directions[group.Rank], affine, new BatchShare(group, shape[0] / ranks)));
        Golden.AssertClose(expected.Output, cat([.. results.Select(r => r.Output)]), 1e-9, "outputs");
        Golden.AssertClose(expected.Gradient, cat([.. results.Select(r => r.Gradient)]), 1e-9, "gradient");
        Assert.All(results, result => Golden.AssertClose(expected.Statistics, result.Statistics, 1e-12, "statistics"));
        if (affine)
        {
            Golden.AssertClose(expected.OfParameters!, results.Select(r => r.OfParameters!).Aggregate((a, b) => a + b), 1e-9, "parameters' gradient");
        }
    }

    /// <summary>A teacher is passed without gradients: no backward pass comes by to free anything.</summary>
    [Fact]
    public void Shared_it_keeps_nothing_where_no_gradient_is_wanted()
    {
        long[] kept = ThreadRanks.Run(2, group =>
        {
            using BatchNorm norm = new(5);
            norm.ShareBatch(new BatchShare(group, 3));
            Forward();
            long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            Forward();
            return DisposeScopeManager.Statistics.ThreadTotalLiveCount - before;

            void Forward()
            {
                using var scope = NewDisposeScope();
                using var noGradients = no_grad();
                norm.forward(randn(3, 5, 4, 4));
            }
        }).ToArray();
        Assert.All(kept, count => Assert.Equal(0, count));
    }

    private static (Tensor Output, Tensor Gradient, Tensor Statistics, Tensor? OfParameters) Pass(
        Tensor part, Tensor direction, bool affine, BatchShare? share)
    {
        using var scope = NewDisposeScope();
        using BatchNorm norm = new(part.size(1), affine);
        norm.to(ScalarType.Float64);
        norm.ShareBatch(share);
        var input = part.detach().clone().requires_grad_();
        var output = norm.forward(input);
        (output.square() * direction).sum().backward();
        var statistics = cat([.. norm.buffers().Where(buffer => buffer.dim() > 0)]).clone();
        var ofParameters = affine ? cat([.. norm.parameters().Select(p => p.grad!)]).clone() : null;
        return (
            output.detach().MoveToOuterDisposeScope(),
            input.grad!.clone().MoveToOuterDisposeScope(),
            statistics.MoveToOuterDisposeScope(),
            ofParameters?.MoveToOuterDisposeScope());
    }
}
