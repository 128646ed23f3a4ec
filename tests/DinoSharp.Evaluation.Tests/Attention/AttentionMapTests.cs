using DinoSharp.Evaluation.Attention;
using DinoSharp.Imaging;
using DinoSharp.Models.Backbones;
using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Tests.Attention;

public sealed class AttentionMapTests
{
    // Two rows of three patches with a total of 20; from the least: 1, 1, 2, 4, 5, 7.
    private readonly AttentionMap _map = new([4, 1, 7, 1, 5, 2], 2, 3, 2);

    [Theory]
    [InlineData(1.0, "111111")]
    [InlineData(0.95, "101111")] // takes away exactly the first of two equal patches
    [InlineData(0.61, "101010")]
    [InlineData(0.6, "001010")] // 5 + 7 are exactly 60 % of 20
    [InlineData(0.3, "001000")]
    public void A_mask_keeps_the_patches_that_hold_the_mass(double mass, string expected) =>
        Assert.Equal(expected, string.Concat(_map.Mask(mass).Select(kept => kept ? '1' : '0')));

    [Fact]
    public void A_heat_map_is_a_square_of_pixels_a_patch_from_the_darkest_to_the_brightest_colour()
    {
        using var picture = _map.Heatmap();
        Assert.Equal((6, 4), (picture.Width, picture.Height));
        Assert.Equal([0x44, 0x01, 0x54], PixelAt(picture, 1, 2)); // the least: row 0, patch 1
        Assert.Equal([0xFD, 0xE7, 0x25], PixelAt(picture, 0, 4)); // the most: row 0, patch 2
        Assert.Equal([0x21, 0x91, 0x8C], PixelAt(picture, 0, 0)); // the middle
        Assert.Equal(PixelAt(picture, 0, 0), PixelAt(picture, 1, 1));
        using var even = new AttentionMap([2, 2], 1, 2, 1).Heatmap();
        Assert.Equal(PixelAt(even, 0, 0), PixelAt(even, 0, 1));
    }

    [Fact]
    public void An_overlay_darkens_what_the_mask_took_away_and_tints_the_rest()
    {
        using var image = new PixelImage(7, 5); // one column and one row more than whole patches
        image.Pixels.Fill(100);
        using var picture = _map.Overlay(image, 0.3);
        Assert.Equal((6, 4), (picture.Width, picture.Height));
        Assert.Equal([35, 35, 35], PixelAt(picture, 3, 5));
        Assert.Equal([170, 84, 69], PixelAt(picture, 1, 4));
        using var small = new PixelImage(5, 4);
        Assert.Throws<ArgumentException>(() => _map.Overlay(small));
    }

    [Fact]
    public void The_maps_are_the_class_tokens_attention_to_each_whole_patch()
    {
        using var scope = NewDisposeScope();
        var network = Network();
        var image = randn([1, 3, 19, 30], generator: new Generator(5));
        network.eval();
        var attention = network.LastSelfAttention(image[.., .., ..16, ..28]); // [1, 2, 29, 29]
        network.train();

        var maps = AttentionMaps.Of(network, image, "x.png");

        Assert.True(network.training);
        Assert.Equal(2, maps.Count);
        for (int head = 0; head < maps.Count; head++)
        {
            Assert.Equal((4, 7), (maps[head].Rows, maps[head].Columns));
            Golden.AssertClose(attention[0, head, 0, 1..], tensor(maps[head].Weights.ToArray()), 1e-6, $"head {head}");
            Assert.Equal(1, maps[head].Weights.ToArray().Sum() + attention[0, head, 0, 0].item<float>(), 1e-5f);
        }

        var mean = AttentionMaps.Mean(maps);
        Golden.AssertClose(attention[0, .., 0, 1..].mean([0]), tensor(mean.Weights.ToArray()), 1e-6, "mean");
    }

    [Theory]
    [InlineData("square64", 8, 8)]
    [InlineData("small32", 4, 4)]
    [InlineData("wide48x80", 6, 10)]
    public void The_maps_are_those_of_the_reference(string name, int rows, int columns)
    {
        using var scope = NewDisposeScope();
        using Golden weights = Golden.Read("vit/weights.safetensors"), inputs = Golden.Read("vit/inputs.safetensors");
        using var outputs = Golden.Read("vit/outputs.safetensors");
        using var network = new VisionTransformer(new() { ImageSize = 64, PatchSize = 8, EmbedDim = 48, Depth = 3, Heads = 3 });
        weights.CopyInto(network);
        for (long i = 0; i < inputs[name].size(0); i++)
        {
            var maps = AttentionMaps.Of(network, inputs[name].narrow(0, i, 1), name);
            Assert.All(maps, map => Assert.Equal((rows, columns), (map.Rows, map.Columns)));
            var actual = stack([.. maps.Select(map => tensor(map.Weights.ToArray()))]); // [heads, N]
            Golden.AssertClose(outputs[$"{name}.last-attention"][i, .., 0, 1..], actual, 1e-5, $"{name} {i}");
        }
    }

    [Fact]
    public void An_image_smaller_than_a_patch_is_refused_in_one_line()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<EvaluationException>(() => AttentionMaps.Of(Network(), zeros(1, 3, 9, 3), "thin.png"));
        Assert.Equal("thin.png: 3 x 9 pixels are less than one patch of 4 x 4; give a larger image", error.Message);
    }

    private static VisionTransformer Network() =>
        new(new() { PatchSize = 4, EmbedDim = 8, Depth = 2, Heads = 2, ImageSize = 16, DropPathRate = 0.5 });

    private static byte[] PixelAt(PixelImage image, int y, int x) => image.Pixels.Slice((y * image.Width + x) * 3, 3).ToArray();
}
