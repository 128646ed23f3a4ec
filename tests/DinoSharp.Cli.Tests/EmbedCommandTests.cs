using System.Runtime.InteropServices;
using DinoSharp.Evaluation.Features;
using DinoSharp.Imaging;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Tests;

public sealed class EmbedCommandTests
{
    [Fact]
    public void Rows_are_the_networks_features_of_the_usable_images_in_their_order()
    {
        using TestFolder folder = new();
        string[] images = ["a.png", "b.png", "d.png"];
        byte[][] colors = [Pictures.Red, Pictures.Blue, Pictures.Green];
        foreach (var (image, color) in images.Zip(colors))
        {
            folder.Write($"in/{image}", Pictures.Noisy(color, 3, SmallViT.Side, SmallViT.Side));
        }

        folder.Write("in/c.png", []);
        string[] data = ["--data", Path.Combine(folder.Path, "in")];
        string features = Path.Combine(folder.Path, "new/features.npy");

        var result = Dino.Run(["embed", .. data, .. SmallViT.Options, "--out", features, "--fault-share", "0.25", "--json"]).Succeeded();

        Assert.Equal((3, SmallViT.Dim), ((int)result.Json["images"]!, (int)result.Json["dim"]!));
        Assert.Equal("c.png", (string)Assert.Single(result.Json["skipped"]!.AsArray())!["name"]!);
        Assert.Contains("c.png: the file is empty", result.Error, StringComparison.Ordinal);
        string[] lines = File.ReadAllLines(Path.ChangeExtension(features, ".paths.csv"));
        Assert.Equal(["path,label,class", .. images.Select(name => $"{name},,")], lines);
        float[] rows = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(features).AsSpan(^(3 * SmallViT.Dim * sizeof(float))..)).ToArray();
        using var network = SmallViT.Load();
        for (int i = 0; i < images.Length; i++)
        {
            using var picture = ImageDecoder.Load(Path.Combine(folder.Path, "in", images[i]));
            using var normalized = SmallViT.Normalized(picture);
            float[] expected = FeatureExtractor.Features(network, normalized);
            Golden.AssertClose(tensor(expected), tensor(rows.AsSpan(i * SmallViT.Dim, SmallViT.Dim).ToArray()), 1e-4, images[i]);
        }
    }

    [Fact]
    public void Labels_and_classes_go_along()
    {
        using TestFolder folder = new();
        folder.WriteClass("in/test/red", Pictures.Red, 1);
        folder.WriteClass("in/test/blue", Pictures.Blue, 2);
        folder.WriteClass("in/train/blue", Pictures.Blue, 1);
        string features = Path.Combine(folder.Path, "features.safetensors");

        string[] data = ["--data", Path.Combine(folder.Path, "in"), "--split", "test", "--image-size", "32"];
        Dino.Run(["embed", .. data, .. SmallViT.Options, "--out", features]).Succeeded();

        using var table = new Written(features);
        Assert.Equal([0, 0, 1], table.Labels);
        Assert.Contains("""["test/blue/000.png","test/blue/001.png","test/red/000.png"]""", table.Header, StringComparison.Ordinal);
        Assert.Contains("""["blue","red"]""", table.Header, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--out is missing", "--data", "x")]
    [InlineData("choose one of these endings", "--data", "x", "--out", "features.txt")]
    [InlineData("--data is missing", "--out", "features.npy")]
    public void A_wrong_request_says_what_is_wrong_before_any_work(string words, params string[] arguments) =>
        Dino.Run(["embed", .. arguments]).Failed(2, words);

    [Fact]
    public void A_view_smaller_than_a_patch_is_refused()
    {
        using var folder = TestFolder.OfImages(1);
        Dino.Run(["embed", "--data", folder.Path, .. SmallViT.Options, "--image-size", "7", "--out", Path.Combine(folder.Path, "f.npy")])
            .Failed(2, "--image-size 7", "8 or more");
    }

    [Fact]
    public void Weights_of_another_network_than_the_one_named_are_refused()
    {
        using var folder = TestFolder.OfImages(1);
        string[] embed = ["embed", "--data", folder.Path, .. SmallViT.Options, "--out", Path.Combine(folder.Path, "f.npy")];
        Dino.Run([.. embed, "--arch", "deit_small"]).Failed(2, "weights.pth", "no vit_small");
        Dino.Run([.. embed, "--patch_size", "16"]).Failed(2, "weights.pth", "patches of 8 pixels, not 16");
        Dino.Run([.. embed, "--patch_size", "8"]).Succeeded();
    }

    private sealed class Written(string path) : IDisposable
    {
        private readonly Golden _tensors = Golden.ReadFile(path);

        public long[] Labels => _tensors["labels"].data<long>().ToArray();

        public string Header { get; } = ReadHeader(path);

        public void Dispose() => _tensors.Dispose();

        private static string ReadHeader(string path)
        {
            byte[] file = File.ReadAllBytes(path);
            string header = System.Text.Encoding.UTF8.GetString(file, 8, (int)BitConverter.ToInt64(file));
            return header.Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\u0022", "\"", StringComparison.Ordinal);
        }
    }
}
