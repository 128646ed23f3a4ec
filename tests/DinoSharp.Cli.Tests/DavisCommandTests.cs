using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

public sealed class DavisCommandTests
{
    private static readonly VideoScene Moving = new(6, 2, (16, 16, 24));
    private static readonly VideoScene Still = new(5, 0, (8, 8, 24), (48, 24, 24), (88, 16, 32));
    private static readonly string[] Small = ["--image-size", "64"];

    [Fact]
    public void Masks_are_measured_as_is_known_beforehand()
    {
        using TestFolder folder = new();
        VideoScene.WriteDavis(folder, ("moving", Moving), ("still", Still));

        // The truth itself.
        string results = Path.Combine(folder.Path, "Annotations", "480p");
        var whole = Dino.Run("davis", "--data", folder.Path, "--evaluate", results, "--json").Succeeded();
        Assert.Equal((100, 100, 100, 0), ((double)whole.Json["j_and_f_mean"]!, (double)whole.Json["j_mean"]!, (double)whole.Json["f_recall"]!, (double)whole.Json["j_decay"]!));
        Assert.Equal(
            "J&F-Mean,J-Mean,J-Recall,J-Decay,F-Mean,F-Recall,F-Decay\n1.000,1.000,1.000,0.000,1.000,1.000,0.000\n",
            File.ReadAllText(Path.Combine(results, "global_results-val.csv")));
        Assert.Equal(
            "Sequence,J-Mean,F-Mean\nmoving_1,1.000,1.000\nstill_1,1.000,1.000\nstill_2,1.000,1.000\nstill_3,1.000,1.000\n",
            File.ReadAllText(Path.Combine(results, "per-sequence_results-val.csv")));

        // Of a square of 24 moved by 12 a third is right; nothing of a mask without objects. First and last frame may be anything.
        using TestFolder other = new();
        for (int t = 1; t < 5; t++)
        {
            other.Write($"moving/{t:D5}.png", IndexedPng.Encode(Moving.Mask(t, offX: 12)));
            other.Write($"still/{t:D5}.png", IndexedPng.Encode(new VideoScene(5, 0).Mask(t)));
        }

        var shifted = Dino.Run("davis", "--data", folder.Path, "--evaluate", other.Path, "--json").Succeeded();
        Assert.Equal(100.0 / 3, (double)shifted.Json["objects"]![0]!["j_mean"]!, 1e-9);
        Assert.Equal(100.0 / 3 / 4, (double)shifted.Json["j_mean"]!, 1e-9);
        Assert.Equal(0, (double)shifted.Json["objects"]![1]!["f_mean"]!);
    }

    [Fact]
    public void Objects_are_followed_the_result_is_kept_and_sequences_that_are_done_are_not_done_again()
    {
        using TestFolder folder = new();
        VideoScene.WriteDavis(folder, ("moving", Moving), ("still", Still));
        string masks = Path.Combine(folder.Path, "out"), records = Path.Combine(folder.Path, "records");
        string[] command =
            ["davis", "--data_path", folder.Path, "--output_dir", masks, "--results", records, .. Small, .. SmallViT.Options, "--json"];

        var result = Dino.Run(command).Succeeded();

        Assert.Equal(9, (int)result.Json["computed"]!);
        Assert.All(result.Json["objects"]!.AsArray().Skip(1), o => Assert.InRange((double)o!["j_mean"]!, 85, 100)); // nothing moves
        Assert.InRange((double)result.Json["objects"]![0]!["j_mean"]!, 50, 100);
        Assert.Equal(Still.Mask(0).Indices, IndexedPng.Load(Path.Combine(masks, "still", "00000.png")).Indices);
        Assert.Contains("\"J&F-Mean\"", File.ReadAllText(Directory.GetFiles(records, "*.json").Single()), StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(records, "*.png"));

        var again = Dino.Run(command).Succeeded();
        Assert.Equal((0, (double)result.Json["j_and_f_mean"]!), ((int)again.Json["computed"]!, (double)again.Json["j_and_f_mean"]!));
        Dino.Run(["davis", "--data", folder.Path, "--out", masks, .. Small, .. SmallViT.Options, "--topk", "2"])
            .FailedLast(1, "moving.safetensors", "other weights, settings");
    }

    [Fact]
    public void What_is_missing_or_does_not_fit_is_one_line()
    {
        using TestFolder folder = new();
        VideoScene.WriteDavis(folder, ("moving", Moving));
        string annotations = Path.Combine(folder.Path, "Annotations/480p/moving"), frames = Path.Combine(folder.Path, "JPEGImages/480p/moving");
        string[] segment = ["davis", "--data", folder.Path, "--out", Path.Combine(folder.Path, "out"), .. Small, .. SmallViT.Options];
        string[] measure = ["davis", "--data", folder.Path, "--evaluate", Path.Combine(folder.Path, "given")];

        Dino.Run([.. measure, "--out", "x"]).Failed(2, "--out", "--evaluate");
        Dino.Run(measure).Failed(1, "given/moving/00001.png", "is not there");
        folder.Write("given/moving/00001.png", IndexedPng.Encode(new IndexedImage(4, 4, new byte[16])));
        Dino.Run(measure).Failed(1, "given/moving/00001.png", "4 x 4", "128 x 64");
        folder.Write("given/moving/00001.png", IndexedPng.Encode(Still.Mask(0)));
        Dino.Run(measure).Failed(1, "given/moving/00001.png", "the number 3", "1 object");

        string annotation = Path.Combine(annotations, "00003.png");
        File.Move(annotation, annotation + ".away");
        Dino.Run(segment).Failed(1, "moving/00003.png", "is not there");
        File.Delete(Path.Combine(frames, "00003.jpg"));
        Dino.Run(segment).Failed(1, "between 00002.jpg and 00004.jpg");
        Directory.Delete(Path.Combine(folder.Path, "JPEGImages"), recursive: true);
        Dino.Run(segment).Failed(1, "JPEGImages/480p", "is not there");
        Dino.Run(segment[..5]).Failed(1, "JPEGImages/480p"); // before the weights are read
        Dino.Run("davis", "--out", "x").Failed(2, "--data is missing");
        Dino.Run("davis", "--data", folder.Path, "--out", "x", "--topk", "0").Failed(2, "top k");
    }
}
