using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Evaluation.CopyDetection;
using DinoSharp.Evaluation.Features;
using DinoSharp.Imaging;
using DinoSharp.Models.Backbones;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Tests.CopyDetection;

/// <summary>Held against the reference's eval_copy_detection.py.</summary>
public sealed class CopyDetectionGoldenTests
{
    [Fact]
    public void Features_of_image_files_are_the_reference_s()
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("copy-detection/features.safetensors");
        using var network = new VisionTransformer(new() { PatchSize = 8, EmbedDim = 48, Depth = 3, Heads = 3, ImageSize = 64 });
        using (var weights = Golden.Read("vit/weights.safetensors"))
        {
            weights.CopyInto(network);
        }

        using var images = ImageSources.Open(Golden.PathOf("copy-detection"));
        var extracted = new CopyFeatureExtractor(network, 64, new LoaderOptions { Threads = 1 }).Of(images);

        Assert.Equal(["image0.png", "image1.png"], extracted.Features.Names);
        using var recipe = new SquashRecipe(64).Make(ImageDecoder.Load(Golden.PathOf("copy-detection/image0.png")));
        using var pixels = PixelNormalization.For(3).Apply(tensor(recipe.Pixels.ToArray(), [1, 64, 64, 3], ScalarType.Byte), CPU);
        Golden.AssertClose(golden["input"].narrow(0, 0, 1), pixels, 1e-6, "input");
        Golden.AssertClose(golden["features"], tensor(extracted.Features.OnFirst()!.Values, 2, 96), 1e-4, "features");
        Golden.AssertClose(
            golden["features"].narrow(1, 48, 48), CopyFeatures.GeneralizedMean(golden["tokens"].narrow(1, 1, 64)), 1e-5, "pooled tokens");
    }

    [Theory]
    [InlineData("full", null, 0.5)]
    [InlineData("reduced", 8, 0.25)]
    public void Whitening_is_of_the_uncentred_second_moment_and_applied_to_centred_features(string name, int? dim, double power)
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("copy-detection/whitening.safetensors");
        using var whitening = Whitening.Learn(golden["training"], dim, power);

        var whitened = whitening.Apply(golden["probe"]);

        // A column's sign is free: each is turned to the reference's.
        var expected = golden[$"{name}.probe-whitened"];
        Golden.AssertClose(expected, whitened * (whitened * expected).sum([0L]).sign(), 2e-3, "whitened");
        var unit = nn.functional.normalize(whitened, 2, 1);
        Golden.AssertClose(golden[$"{name}.probe-similarity"], unit.matmul(unit.t()), 2e-4, "similarities");
    }

    [Fact]
    public void Mean_average_precision_of_each_block_is_the_reference_s()
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("copy-detection/map.safetensors");
        var expected = Golden.Json("copy-detection/map.json");
        using TestFolder folder = new();
        string[] originals = Names("originals"), strongs = Names("strongs");
        Write("original", originals);
        Write("strong", strongs);
        Write("jpegqual/3", originals);
        using var set = CopydaysSet.Open(folder.Path);
        Assert.Equal(["strong", "jpegqual/3"], set.Blocks.Select(b => b.Name));

        var found = CopyDetectionEvaluation.Search(Rows("queries"), [Rows("database")]);

        Assert.Equal(golden["retrieved"].data<long>().ToArray(), found.SelectMany(rows => rows));
        int first = 0;
        foreach (var block in expected.GetProperty("blocks").EnumerateArray())
        {
            string name = block.GetProperty("block").GetString()!;
            int queries = block.GetProperty("queries").GetInt32();
            // The reference also looks for the originals themselves; here that is no block, since it is 1 unless two are equal.
            var right = name == "original"
                ? [.. Enumerable.Range(0, queries).Select(i => new[] { i })]
                : set.Blocks.Single(b => b.Name == name).Originals;
            double map = CopyDetectionEvaluation.MeanAveragePrecision([.. found.Skip(first).Take(queries)], right);
            Assert.Equal(block.GetProperty("map").GetDouble(), map, 1e-9);
            first += queries;
        }

        SharedRows Rows(string name) =>
            new(ProcessGroup.Alone, golden[name].data<float>().ToArray(), (int)golden[name].size(1));

        string[] Names(string key) => [.. expected.GetProperty(key).EnumerateArray().Select(name => name.GetString()!)];

        void Write(string block, string[] names) => Array.ForEach(names, name => folder.Write($"{block}/{name}", []));
    }
}
