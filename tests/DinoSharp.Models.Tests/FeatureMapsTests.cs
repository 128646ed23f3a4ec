using DinoSharp.Models.Backbones;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests;

public sealed class FeatureMapsTests
{
    [Theory]
    [InlineData(false, false, 4, 2)]
    [InlineData(true, true, 16, 8)]
    public void A_ResNets_maps_are_those_its_feature_is_the_mean_of(bool bottlenecks, bool smallStem, int intermediate, int last)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using ResNet network = new(new() { Blocks = [1, 1, 1, 1], Bottlenecks = bottlenecks, Width = 4, SmallStem = smallStem });
        network.eval();
        var images = rand(2, 3, 64, 96);
        var maps = network.FeatureMaps(images);
        Assert.Equal([2, network.MapDims[0], intermediate, intermediate * 3 / 2], maps[0].shape);
        Assert.Equal([2, network.MapDims[1], last, last * 3 / 2], maps[1].shape);
        Golden.AssertClose(network.forward(images), maps[1].mean([2L, 3L]), 1e-6, "mean of the last map");
    }

    [Fact]
    public void A_transformers_maps_are_its_patch_tokens_in_their_places()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using VisionTransformer network = new(new() { PatchSize = 4, EmbedDim = 8, Depth = 8, Heads = 2, ImageSize = 16 });
        var images = rand(2, 3, 12, 20);
        var maps = network.FeatureMaps(images);
        var layers = network.IntermediateLayers(images, 3); // after blocks 6, 7 and 8
        for (int level = 0; level < 2; level++)
        {
            Assert.Equal([2, network.MapDims[level], 3, 5], maps[level].shape);
            for (int row = 0; row < 3; row++)
            {
                for (int column = 0; column < 5; column++)
                {
                    var token = layers[level * 2].select(1, 1 + row * 5 + column);
                    Golden.AssertClose(token, maps[level].select(3, column).select(2, row), 1e-6, $"row {row}, column {column}");
                }
            }
        }
    }
}
