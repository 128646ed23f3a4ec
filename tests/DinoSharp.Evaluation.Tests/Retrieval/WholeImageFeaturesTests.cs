using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Retrieval;
using DinoSharp.Imaging;
using DinoSharp.Models.Weights;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Tests.Retrieval;

public sealed class WholeImageFeaturesTests
{
    [Theory]
    [InlineData(40)]
    [InlineData(64)]
    [InlineData(100)]
    public void Images_are_shrunk_as_pillow_does_it(int longestSide)
    {
        using var source = ImageDecoder.Load(Golden.PathOf("retrieval/thumbnail-source.png"));
        using var expected = ImageDecoder.Load(Golden.PathOf($"retrieval/thumbnail-{longestSide}.png"));
        using var actual = Thumbnail.Of(source, longestSide);
        Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
        Assert.True(expected.Pixels.SequenceEqual(actual.Pixels));
    }

    [Theory]
    [InlineData(160, 120, 224, 160, 120)]
    [InlineData(1024, 768, 224, 224, 168)]
    [InlineData(768, 1024, 224, 168, 224)]
    [InlineData(1000, 333, 224, 224, 75)]
    [InlineData(333, 1000, 224, 75, 224)]
    [InlineData(5000, 1, 224, 224, 1)]
    public void The_shape_stays_and_nothing_is_enlarged(int width, int height, int longestSide, int newWidth, int newHeight) =>
        Assert.Equal((newWidth, newHeight), Thumbnail.SizeOf(width, height, longestSide));

    [Fact]
    public void The_feature_of_three_scales_is_the_references()
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("retrieval/multi-scale.safetensors");
        using var backbone = Pretrained.Load(Golden.PathOf("vit/weights.safetensors"), heads: 3).Backbone;
        var features = new WholeImageFeatures(backbone, 64, multiScale: true);
        double[] scales = [1, 1 / Math.Sqrt(2), 0.5];
        for (int i = 0; i < scales.Length; i++)
        {
            Golden.AssertClose(golden[$"scaled{i}"], WholeImageFeatures.Scaled(golden["input"], scales[i]), 5e-5, $"scale {scales[i]}");
        }

        Golden.AssertClose(golden["output"], tensor(features.MeanOfScales(golden["input"])).unsqueeze(0), 1e-5, "output");
    }

    [Fact]
    public void A_gallery_is_indexed_once_grows_and_goes_on_where_it_was_cut_off()
    {
        using TestFolder folder = new();
        for (int i = 0; i < 5; i++)
        {
            folder.Write($"gallery/{i}.png", TestFolder.Png(i, 40 + 3 * i, 30));
        }

        string index = Path.Combine(folder.Path, "index.safetensors");
        using var backbone = Pretrained.Load(Golden.PathOf("vit/weights.safetensors"), heads: 3).Backbone;
        var features = new WholeImageFeatures(backbone, 32);
        Assert.Equal(new GalleryChange(0, 5, 0, 0), Update(features, out var first));

        // Work that is cut off leaves its journal, perhaps with half an entry at its end.
        folder.Write("gallery/5.png", TestFolder.Png(5));
        folder.Write("gallery/6.png", TestFolder.Png(6));
        File.Delete(Path.Combine(folder.Path, "gallery/0.png"));
        float[] marked = [.. Enumerable.Repeat(0.25f, features.Dim)];
        using (FeatureJournal journal = new(index + ".new", features.Dim, features.SettingsWith(new DecodeOptions())))
        {
            journal.Add("5.png", marked);
            journal.Add("6.png", marked);
        }

        using (var file = File.OpenWrite(index + ".new"))
        {
            file.SetLength(file.Length - 3);
        }

        Assert.Equal(new GalleryChange(4, 2, 1, 1), Update(features, out var grown));
        Assert.Equal(["1.png", "2.png", "3.png", "4.png", "5.png", "6.png"], grown.Table.Names);
        Assert.Equal(first.Table.Row(1).ToArray(), grown.Table.Row(0).ToArray());
        Assert.Equal(marked, grown.Table.Row(4).ToArray());
        Assert.NotEqual(marked, grown.Table.Row(5).ToArray());
        Assert.False(File.Exists(index + ".new"));
        var error = Assert.Throws<EvaluationException>(() => Update(new WholeImageFeatures(backbone, 40), out _));
        Assert.Contains("other weights or settings", error.Message, StringComparison.Ordinal);

        GalleryChange Update(WholeImageFeatures how, out GalleryIndex result)
        {
            using var gallery = ImageSources.Open(Path.Combine(folder.Path, "gallery"));
            var loader = new WholeImageLoader(gallery, how.LongestSide, new LoaderOptions { Threads = 2 });
            (_, var change) = GalleryIndex.Update(index, how, loader);
            result = GalleryIndex.Read(index);
            return change;
        }
    }

    [Fact]
    public void The_fingerprint_is_of_the_weights_and_the_heads()
    {
        using var one = Pretrained.Load(Golden.PathOf("vit/weights.safetensors"), heads: 3).Backbone;
        using var same = Pretrained.Load(Golden.PathOf("vit/weights.safetensors"), heads: 3).Backbone;
        using var otherHeads = Pretrained.Load(Golden.PathOf("vit/weights.safetensors"), heads: 4).Backbone;
        Assert.Equal(WeightsFingerprint.Of(one), WeightsFingerprint.Of(same));
        Assert.NotEqual(WeightsFingerprint.Of(one), WeightsFingerprint.Of(otherHeads));
        using (var noGradients = no_grad())
        {
            same.parameters().Last().add_(1e-3f);
        }

        Assert.NotEqual(WeightsFingerprint.Of(one), WeightsFingerprint.Of(same));
    }
}
