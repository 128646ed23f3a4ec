using DinoSharp.Evaluation.Attention;
using DinoSharp.Evaluation.Report;
using DinoSharp.Imaging;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Tests;

public sealed class AttentionMeasureTests
{
    private static readonly string[] Size = ["--image-size", "64"];

    [Fact]
    public void A_heads_own_mask_scores_100_and_its_complement_0()
    {
        using TestFolder folder = new();
        byte[] picture = Pictures.Noisy(Pictures.Red, 1, SmallViT.Side, SmallViT.Side);
        folder.Write("pictures/own.png", picture);
        folder.Write("pictures/unmasked.png", picture);
        folder.Write("own/own.png", MaskOf(picture, head: 2, kept: byte.MaxValue, left: 0)); // black and white
        folder.Write("complement/own.png", MaskOf(picture, head: 2, kept: 0, left: 7)); // a label
        string results = Path.Combine(folder.Path, "results");

        var own = Measure("own", "--results", results).Json;
        Assert.Equal((1, 1, 100.0), ((int)own["images"]!, (int)own["objects"]!, (double)own["jaccard"]!));
        Assert.Equal(100.0, (double)own["jaccard_by_head"]![2]!);
        Assert.InRange((double)own["jaccard_mean_of_heads"]!, 34, 99);
        var record = Assert.Single(EvaluationRecord.ReadAll(results));
        Assert.Equal(("attention", "own", "ViT-48x3/8"), (record.Protocol, record.Data, record.Network));
        Assert.Equal(new Score("Jaccard", 100), record.Scores[0]);
        using var example = ImageDecoder.Load(Path.Combine(results, Assert.Single(record.Pictures).Key));
        Assert.Equal((2 * 320 + 3 * 8, 320 + 2 * 8), (example.Width, example.Height)); // the annotation and one object's best head

        var complement = Measure("complement").Json;
        Assert.Equal(0.0, (double)complement["jaccard_by_head"]![2]!);
        Assert.True((double)complement["jaccard"]! > 0); // other heads look elsewhere

        DinoResult Measure(string masks, params string[] more) => Dino.Run(
            [
                "attention", Path.Combine(folder.Path, "pictures"), "--masks", Path.Combine(folder.Path, masks), .. Size, "--json",
                .. SmallViT.Options, .. more,
            ]).Succeeded();
    }

    [Fact]
    public void Pascal_voc_is_measured_in_its_own_layout_and_gone_on_with_after_a_stop()
    {
        using TestFolder folder = new();
        string[] ids = ["2007_000033", "2007_000042", "2007_000061"];
        foreach (var (i, id) in ids.Index())
        {
            WriteVoc(folder, id, i);
        }

        folder.WriteText("VOC2012/ImageSets/Segmentation/val.txt", string.Join('\n', ids) + "\n");
        string output = Path.Combine(folder.Path, "out"), log = Path.Combine(output, "attention-jaccard.jsonl");
        string[] command = ["attention", "--voc", folder.Path, "--out", output, .. SmallViT.Options, .. Size, "--json"];
        var whole = Dino.Run(command).Succeeded();
        Assert.Equal((3, 6), ((int)whole.Json["images"]!, (int)whole.Json["objects"]!)); // void is no object
        Assert.Equal("VOC2012 val", (string)whole.Json["data"]!);
        Assert.Equal(4, File.ReadAllLines(log).Length);
        Assert.All(ids, id => Assert.True(File.Exists(Path.Combine(output, $"{id}-attention.png"))));

        string[] lines = File.ReadAllLines(log);
        File.WriteAllText(log, string.Join('\n', lines[..2]) + "\n" + lines[2][..20]); // killed within the second image
        var resumed = Dino.Run(command).Succeeded();
        Assert.Contains("goes on after 1 of 3 images", resumed.Error, StringComparison.Ordinal);
        Assert.Equal(whole.Output, resumed.Output);
        Dino.Run([.. command.SkipLast(1), "--threshold", "0.5"]).Failed(1, log, "delete it");
        Dino.Run([.. command.SkipLast(1), "--background", "white"]).Failed(1, log, "delete it");
    }

    [Fact]
    public void What_cannot_be_measured_is_refused_in_one_line()
    {
        using TestFolder folder = new();
        string voc = Path.Combine(folder.Path, "VOC2012"), pictures = Path.Combine(folder.Path, "pictures");
        Run("--voc", voc).Failed(1, "val.txt", "is missing");
        folder.WriteText("VOC2012/ImageSets/Segmentation/val.txt", "a\nb\n");
        WriteVoc(folder, "a", 1);
        Run("--voc", voc).Failed(1, "b.jpg", "1 more", "val.txt");
        Run("--voc", voc, "--masks", voc).Failed(2, "leave out --masks");
        Run("--masks", voc).Failed(2, "no picture is named");

        folder.Write("pictures/a.png", Pictures.Noisy(Pictures.Red, 1, 60, 50));
        string mask = folder.Write("masks/b.png", Grey(60, 50, (_, _) => 1));
        string masks = Path.Combine(folder.Path, "masks");
        Run(pictures, "--masks", masks).Failed(1, mask, "no picture");
        File.Move(mask, Path.Combine(masks, "a.png"));
        Run(pictures, "--masks", masks, "--image-size", "4").Failed(1, "4 x 4", "one patch");
        folder.Write("masks/a.png", Grey(60, 50, (_, _) => 0));
        Run(pictures, "--masks", masks).Failed(1, "none of the masks shows an object");
        folder.Write("masks/a.png", Grey(50, 60, (_, _) => 1));
        Run(pictures, "--masks", masks).Failed(1, "a.png", "50 x 60", "60 x 50");
        folder.Write("masks/a.png", Pictures.Noisy(Pictures.Red, 1, 60, 50));
        Run(pictures, "--masks", masks).Failed(1, "a.png", "holds colours");
        Run(pictures, "--masks", masks + "-none").Failed(1, masks + "-none", "check the path");

        static DinoResult Run(params string[] arguments) =>
            Dino.Run(["attention", .. arguments, .. SmallViT.Options, .. arguments.Contains("--image-size") ? [] : Size]);
    }

    private static void WriteVoc(TestFolder folder, string id, int seed)
    {
        folder.Write($"VOC2012/JPEGImages/{id}.jpg", Pictures.Noisy(Pictures.Blue, seed, 60, 50));
        folder.Write(
            $"VOC2012/SegmentationClass/{id}.png",
            Palette(60, 50, (x, y) => (x + seed, y) switch { ( < 20, < 20) => 15, ( < 22, < 22) => 255, ( > 40, > 10) => 1, _ => 0 }));
    }

    /// <summary>The mask of one of the small network's heads as a PNG.</summary>
    private static byte[] MaskOf(byte[] picture, int head, byte kept, byte left)
    {
        using var scope = NewDisposeScope();
        using var image = ImageDecoder.Decode(picture, "picture");
        using var network = SmallViT.Load();
        bool[] mask = AttentionMaps.Of(network, SmallViT.Normalized(image), "picture")[head].Mask();
        return Grey(SmallViT.Side, SmallViT.Side, (x, y) => mask[y / 8 * 8 + x / 8] ? kept : left);
    }

    private static byte[] Grey(int width, int height, Func<int, int, byte> label)
    {
        using var image = new PixelImage(width, height, 1);
        Labels(width, height, label).CopyTo(image.Pixels);
        return PngWriter.Encode(image);
    }

    private static byte[] Palette(int width, int height, Func<int, int, byte> label) =>
        IndexedPng.Encode(new IndexedImage(width, height, Labels(width, height, label)));

    private static byte[] Labels(int width, int height, Func<int, int, byte> label) =>
        [.. Enumerable.Range(0, width * height).Select(i => label(i % width, i / width))];
}
