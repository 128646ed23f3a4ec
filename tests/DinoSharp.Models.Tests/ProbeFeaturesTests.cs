using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests;

/// <summary>What a linear classifier is given, held against the reference's layers.</summary>
public sealed class ProbeFeaturesTests
{
    [Fact]
    public void Class_tokens_of_the_last_blocks_stand_side_by_side()
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("vit/outputs.safetensors");
        using var network = Network();
        var features = Of(network, new(2, false));
        var expected = cat([golden["square64.layer1"].select(1, 0), golden["square64.layer2"].select(1, 0)], 1);
        Golden.AssertClose(expected, features, 5e-5, "class tokens of the last two blocks");
    }

    [Fact]
    public void Class_token_and_mean_of_the_patches_take_turns_value_by_value()
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("vit/outputs.safetensors");
        using var network = Network();
        var features = Of(network, new(1, true)); // [2, 96]
        var last = golden["square64.layer2"]; // [2, 65, 48]
        Golden.AssertClose(last.select(1, 0), features[.., TensorIndex.Slice(0, null, 2)], 5e-5, "class token");
        Golden.AssertClose(last.narrow(1, 1, 64).mean([1]), features[.., TensorIndex.Slice(1, null, 2)], 5e-5, "mean of the patches");
    }

    [Fact]
    public void The_published_choice_follows_the_network()
    {
        using var small = new VisionTransformer(new() { EmbedDim = 384, Depth = 5, Heads = 6, ImageSize = 32 });
        using var large = new VisionTransformer(new() { EmbedDim = 768, Depth = 1, Heads = 12, ImageSize = 32 });
        using var resnet = new ResNet(new() { Blocks = [1, 1, 1, 1], Bottlenecks = false, Width = 8 });
        Assert.Equal(new ProbeFeatures(4, false), ProbeFeatures.Published(small));
        Assert.Equal(new ProbeFeatures(1, true), ProbeFeatures.Published(large));
        Assert.Equal(1536, ProbeFeatures.Published(small).DimOf(small));
        Assert.Equal(1536, ProbeFeatures.Published(large).DimOf(large));
        Assert.Equal(64, ProbeFeatures.Published(resnet).DimOf(resnet));
        Assert.Throws<ArgumentException>(() => new ProbeFeatures(1, true).Validated(resnet));
        Assert.Throws<ArgumentException>(() => new ProbeFeatures(2, true).Validated(small));
        Assert.Throws<ArgumentException>(() => new ProbeFeatures(6, false).Validated(small));
    }

    private static Tensor Of(Backbone network, ProbeFeatures features)
    {
        using var inputs = Golden.Read("vit/inputs.safetensors");
        using var inference = inference_mode();
        return features.Validated(network).Of(network, inputs["square64"]);
    }

    private static Backbone Network() => Pretrained.Load(TestFolder.Fixture("vit/weights.safetensors"), heads: 3).Backbone;
}
