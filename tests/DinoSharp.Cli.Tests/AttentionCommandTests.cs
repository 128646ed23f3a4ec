using DinoSharp.Checkpoints;
using DinoSharp.Imaging;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Tests;

public sealed class AttentionCommandTests
{
    private static readonly byte[] Brightest = [0xFD, 0xE7, 0x25];

    [Fact]
    public void A_pictures_maps_are_the_networks_at_its_own_size_cut_to_whole_patches()
    {
        using TestFolder folder = new();
        string picture = folder.Write("in.png", Pictures.Noisy(Pictures.Red, 1, width: 85, height: 50));

        var result = Dino.Run(["attention", picture, .. SmallViT.Options, "--out", folder.Path, "--threshold", "0.5", "--json"])
            .Succeeded();

        Assert.Equal(Path.Combine(folder.Path, "in.png"), picture);
        Assert.Equal(Path.Combine(folder.Path, "in-attention.png"), (string)Assert.Single(result.Json["sheets"]!.AsArray())!);
        using var image = ImageDecoder.Load(picture);
        using var network = SmallViT.Load();
        using var attention = network.LastSelfAttention(SmallViT.Normalized(image)[.., .., ..48, ..80]); // [1, 3, 61, 61]
        for (int head = 0; head < 3; head++)
        {
            float[] weights = attention[0, head, 0, 1..].contiguous().data<float>().ToArray();
            using var heat = Open(folder, $"in-attention/attention-head{head}.png");
            using var mask = Open(folder, $"in-attention/mask-head{head}.png");
            Assert.Equal((80, 48, 80, 48), (heat.Width, heat.Height, mask.Width, mask.Height));
            int most = Array.IndexOf(weights, weights.Max());
            Assert.Equal(Brightest, PixelOf(heat, most));

            // Exactly the patches with more attention than some value are white, and they hold half of it all.
            float[] white = [.. weights.Where((_, i) => PixelOf(mask, i)[0] == 255)];
            Assert.Equal(white.Length, weights.Count(w => w >= white.Min()));
            Assert.InRange(white.Sum() / weights.Sum(), 0.5, 0.5 + white.Min() / weights.Sum() + 1e-6);
        }
    }

    [Fact]
    public void Pictures_of_every_kind_in_a_folder_are_drawn_and_bad_ones_left_out_and_named()
    {
        using TestFolder folder = new();
        string[] kinds = ["cmyk.jpg", "grey.png", "grey16.png", "palette.png", "rgb16.png", "rgba.png"];
        foreach (string kind in kinds)
        {
            folder.Write($"in/{kind}", File.ReadAllBytes(TestFolder.Fixture($"pictures/{kind}")));
        }

        folder.Write("in/grey.webp", Pictures.Noisy(Pictures.Red, 1)); // a second "grey", whose content has another format than its name
        string[] damaged = folder.WriteDamaged("in");
        string output = Path.Combine(folder.Path, "out");

        var result = Dino.Run(
            ["attention", Path.Combine(folder.Path, "in"), .. SmallViT.Options, "--out", output, "--fault-share", "0.5", "--json"])
            .Succeeded();

        Assert.Equal(
            ["cmyk", "grey", "grey-2", "grey16", "palette", "rgb16", "rgba"],
            Directory.GetDirectories(output).Select(d => Path.GetFileName(d)[..^"-attention".Length]).Order(StringComparer.Ordinal));
        Assert.Equal(damaged.Order(), result.Json["skipped"]!.AsArray().Select(s => Path.GetFileName((string)s!["name"]!)).Order());
        Assert.Contains("pixel.png: an image of a single pixel shows nothing", result.Error, StringComparison.Ordinal);
        using var cmyk = Open(folder, "out/cmyk-attention/image.png");
        Assert.Equal((40, 32), (cmyk.Width, cmyk.Height));
    }

    [Fact]
    public void A_large_picture_is_made_smaller_unless_a_size_is_named()
    {
        using TestFolder folder = new();
        string picture = folder.Write("large.png", Pictures.Noisy(Pictures.Blue, 1, 1200, 900));
        string panorama = folder.Write("long.png", Pictures.Noisy(Pictures.Blue, 1, 6000, 64));
        Dino.Run(["attention", picture, .. SmallViT.Options, "--out", folder.Path]).Succeeded();
        Dino.Run(["attention", panorama, .. SmallViT.Options, "--out", folder.Path, "--image_size", "32"]).Succeeded();
        using var large = Open(folder, "large-attention/image.png");
        Assert.Equal((640, 480), (large.Width, large.Height));
        using var wide = Open(folder, "long-attention/image.png"); // 4 x 32 x 32 pixels would leave a height of 6.6, less than a patch
        Assert.Equal(8, wide.Height);
    }

    [Fact]
    public void Names_that_lead_out_of_the_output_folder_do_not()
    {
        using TestFolder folder = new();
        folder.Write("pictures/a.png");
        string list = folder.WriteText("lists/list.csv", "path\n../pictures/a.png\n");
        Dino.Run(["attention", list, .. SmallViT.Options, "--out", Path.Combine(folder.Path, "out")]).Succeeded();
        Assert.True(File.Exists(Path.Combine(folder.Path, "out/pictures/a-attention.png")));
    }

    [Fact]
    public void What_has_no_attention_to_draw_is_refused_in_one_line()
    {
        using TestFolder folder = new();
        string resNet = Path.Combine(folder.Path, "resnet.safetensors");
        using (var network = new ResNet(new ResNetOptions { Blocks = [1, 1, 1, 1] }))
        {
            SafetensorsFile.Write(resNet, WeightLoading.Arrays(network));
        }

        string small = folder.Write("small.png", Pictures.Noisy(Pictures.Red, 1, 9, 7));
        string[] output = ["--out", Path.Combine(folder.Path, "out")];
        Dino.Run(["attention", small, "--weights", resNet, .. output]).Failed(2, resNet, "Vision Transformer");
        Dino.Run(["attention", small, .. SmallViT.Options, .. output]).Failed(1, small, "less than one patch");
        string words = folder.WriteText("words.png", "none");
        Dino.Run(["attention", words, .. SmallViT.Options, .. output]).Failed(1, words, "not an image");
        Dino.Run(["attention", "/no/such.png", .. SmallViT.Options, .. output]).Failed(1, "/no/such.png", "check the path");
        Dino.Run(["attention", small, .. output]).Failed(2, "--weights is missing");
        Dino.Run(["attention", small, .. SmallViT.Options]).Failed(2, "--out is missing");
        Dino.Run(["attention", small, .. SmallViT.Options, .. output, "--threshold", "60"]).Failed(2, "--threshold");
    }

    private static PixelImage Open(TestFolder folder, string name) => ImageDecoder.Load(Path.Combine(folder.Path, name));

    /// <summary>The colour in the middle of a patch of ten or fewer columns' worth of 8 pixels.</summary>
    private static byte[] PixelOf(PixelImage picture, int patch)
    {
        int columns = picture.Width / 8, y = patch / columns * 8 + 4, x = patch % columns * 8 + 4;
        return picture.Pixels.Slice((y * picture.Width + x) * 3, 3).ToArray();
    }
}
