using DinoSharp.Data;
using DinoSharp.Evaluation.CopyDetection;
using DinoSharp.Models.Backbones;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Tests.CopyDetection;

public sealed class CopyFeatureExtractorTests
{
    private static readonly LoaderOptions Loading = new() { BatchSize = 4, Threads = 2, FaultShareLimit = 0.5 };

    [Fact]
    public void Kept_features_are_the_same_and_none_of_another_network_or_side_are_taken()
    {
        using var folder = TestFolder.OfImages(10);
        folder.WriteText("005.png", "no image");
        string cache = Path.Combine(folder.Path, "cache");
        using var images = ImageSources.Open(folder.Path);
        using var network = Network(1);
        var expected = new CopyFeatureExtractor(network, 16, Loading).Of(images);
        Assert.Equal([0, 1, 2, 3, 4, 6, 7, 8, 9], expected.Indices);
        foreach (int before in new[] { 0, 10 })
        {
            List<int> told = [];
            var kept = new CopyFeatureExtractor(network, 16, Loading, cache).Of(images, told.Add);
            Assert.Equal(before, told[0]);
            Assert.Equal(expected.Features.OnFirst()!.Values, kept.Features.OnFirst()!.Values);
            Assert.Equal(expected.Features.Names, kept.Features.Names);
            Assert.Equal(expected.Indices, kept.Indices);
            Assert.Equal(expected.Faults, kept.Faults);
        }

        using var other = Network(2);
        Assert.Equal(0, FirstTold(other, 16));
        Assert.Equal(0, FirstTold(network, 24));
        string message = Assert.Throws<ImageSourceException>(
            () => new CopyFeatureExtractor(network, 16, Loading, cache).Of(images, complete: true)).Message;
        Assert.Contains("1 of 10", message, StringComparison.Ordinal);

        int FirstTold(Backbone backbone, int side)
        {
            List<int> told = [];
            new CopyFeatureExtractor(backbone, side, Loading, cache).Of(images, told.Add);
            return told[0];
        }
    }

    private static VisionTransformer Network(long seed)
    {
        random.manual_seed(seed);
        return new VisionTransformer(new() { PatchSize = 8, EmbedDim = 8, Depth = 1, Heads = 2, ImageSize = 16 });
    }
}
