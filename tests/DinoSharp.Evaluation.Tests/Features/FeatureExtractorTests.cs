using DinoSharp.Evaluation.Attention;
using DinoSharp.Evaluation.Features;
using DinoSharp.Models.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Tests.Features;

public sealed class FeatureExtractorTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Features_are_those_of_evaluation_mode_and_the_mode_is_restored(bool training)
    {
        using var scope = NewDisposeScope();
        // With this rate nearly every residual branch is dropped in training mode.
        var network = new VisionTransformer(
            new() { PatchSize = 4, EmbedDim = 8, Depth = 3, Heads = 2, ImageSize = 16, DropPathRate = 0.99 });
        var images = randn([2, 3, 16, 16], generator: new Generator(3));
        network.eval();
        float[] expected = network.forward(images).data<float>().ToArray();
        network.train(training);

        float[] features = FeatureExtractor.Features(network, images);

        Assert.Equal(expected, features);
        Assert.Equal(training, network.training);
        Assert.All(network.parameters(), p => Assert.True(p.requires_grad));
    }

    [Fact]
    public void A_network_that_diverged_is_named_as_the_cause()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var network = new VisionTransformer(new() { PatchSize = 4, EmbedDim = 8, Depth = 1, Heads = 2, ImageSize = 16 });
        network.parameters().First().fill_(double.NaN);
        var image = zeros(1, 3, 16, 16);
        string message = Assert.Throws<EvaluationException>(() => FeatureExtractor.Features(network, image)).Message;
        Assert.Contains("diverged", message, StringComparison.Ordinal);
        message = Assert.Throws<EvaluationException>(() => AttentionMaps.Of(network, image, "a.png")).Message;
        Assert.StartsWith("a.png: its attention is not finite", message, StringComparison.Ordinal);
    }
}
