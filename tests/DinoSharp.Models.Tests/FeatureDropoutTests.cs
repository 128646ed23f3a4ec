using DinoSharp.Models.Heads;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests;

/// <summary>Dropout before a classifier.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class FeatureDropoutTests
{
    [Fact]
    public void Numbers_are_dropped_by_chance_in_training_only_and_the_mean_stays()
    {
        using var scope = NewDisposeScope();
        manual_seed(0);
        using var dropout = new FeatureDropout(0.25);
        var features = full(400, 50, 3f).requires_grad_();
        var dropped = dropout.forward(features);
        var zeros = dropped.eq(0);
        Assert.InRange(zeros.to(ScalarType.Float32).mean().item<float>(), 0.24, 0.26); // deviation 0.003
        Assert.True(dropped.masked_select(zeros.logical_not()).sub(4).abs().max().item<float>() < 1e-5);
        dropped.sum().backward();
        Assert.True(features.grad!.eq(0).equal(zeros).all().item<bool>());
        Assert.False(dropped.equal(dropout.forward(features)).all().item<bool>());
        dropout.eval();
        Assert.True(dropout.forward(features).equal(features).all().item<bool>());
    }
}
