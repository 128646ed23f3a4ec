using DinoSharp.Models.Backbones;
using DinoSharp.Models.Products;
using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests.Products;

/// <summary>Our attention and its gradients against the formula in float64.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class AttentionTests : TiledTests
{
    public AttentionTests() => MatrixKernels.TilesInUse = true;

    /// <summary>Images and tokens of two resolutions, heads, length of a head, and how large queries and keys are.</summary>
    public static TheoryData<int, int, int, int, int, int, float> Shapes => new()
    {
        { 1, 1, 2, 5, 1, 32, 1 }, { 2, 14, 3, 17, 3, 32, 1 }, { 3, 37, 1, 197, 2, 64, 1 }, { 1, 224, 1, 225, 1, 96, 1 }, { 1, 449, 2, 56, 2, 32, 1 },
        { 1, 700, 1, 32, 1, 64, 6 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Values_and_gradients_are_those_of_float64(int images, int tokens, int others, int otherTokens, int heads, int headDim, float spread)
    {
        using var scope = NewDisposeScope();
        manual_seed(tokens);
        var layout = new TokenLayout([(images, tokens), (others, otherTokens)]);
        long rows = layout.Rows.Sum();
        var given = (randn(rows, 3 * heads * headDim) * spread).requires_grad_();
        var exact = given.detach().to(ScalarType.Float64).requires_grad_();
        var weights = randn(rows, heads * headDim);
        var found = TiledAttention.Of(given, layout, heads);
        (found * weights).sum().backward();
        var expected = Formula(exact, layout, heads);
        (expected * weights).sum().backward();
        Close(expected, found, 2e-6 * spread * spread); // of products as large as the square
        Close(exact.grad!, given.grad!, 4e-6 * spread * spread);
        using var noGradients = no_grad();
        Assert.True(found.equal(TiledAttention.Of(given, layout, heads)).all().item<bool>());
    }

    /// <summary>What the first block of keys found is nothing beside what the second finds.</summary>
    [Fact]
    public void Keys_of_a_later_block_may_be_very_much_larger()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var layout = new TokenLayout([(1, 500)]);
        var given = randn(500, 3 * 32);
        given[.., ..64] = given[.., ..64].abs(); // all products are positive
        given[300.., 32..64] *= 100;
        var found = TiledAttention.Of(given, layout, 1);
        Close(Formula(given.to(ScalarType.Float64), layout, 1), found, 1e-4);
    }

    [Fact]
    public void Nothing_depends_on_the_number_of_threads()
    {
        using var scope = NewDisposeScope();
        var layout = new TokenLayout([(2, 600), (5, 37)]);
        var given = randn(layout.Rows.Sum(), 3 * 2 * 64);
        SameOnAnyThreads(() =>
        {
            using var copy = given.clone().requires_grad_();
            var found = TiledAttention.Of(copy, layout, 2);
            found.square().sum().backward();
            return [found.detach(), copy.grad!.clone()];
        });
    }

    [Fact]
    public void What_is_no_number_stays_none()
    {
        using var scope = NewDisposeScope();
        var given = randn(60, 3 * 32);
        given[7, 40] = float.NaN; // in a key of the first image
        var found = TiledAttention.Of(given, new TokenLayout([(2, 30)]), 1);
        Assert.True(found[..30].isnan().all().item<bool>());
        Assert.False(found[30..].isnan().any().item<bool>());
    }

    private static Tensor Formula(Tensor given, TokenLayout layout, int heads)
    {
        var groups = given.split(layout.Rows).Select((rows, r) =>
        {
            var (images, tokens) = layout.Groups[r];
            var parts = rows.view(images, tokens, 3, heads, -1).permute(2, 0, 3, 1, 4).unbind(0); // q, k, v: [B, h, N, d]
            var found = (parts[0].matmul(parts[1].transpose(2, 3)) / Math.Sqrt(parts[0].size(3))).softmax(-1).matmul(parts[2]);
            return found.transpose(1, 2).reshape(images * tokens, -1);
        }).ToArray();
        return cat(groups);
    }
}
