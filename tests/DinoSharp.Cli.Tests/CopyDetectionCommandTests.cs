using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

public sealed class CopyDetectionCommandTests
{
    private const int Originals = 20;

    [Fact]
    public void On_Copydays_exact_copies_are_found_and_results_are_kept_for_the_report()
    {
        using TestFolder folder = new();
        string data = WriteCopydays(folder, original => original);
        WritePictures(folder, "distractors", 100, 30);
        WritePictures(folder, "whitening", 200, 120);
        string results = Path.Combine(folder.Path, "results");
        string[] arguments =
        [
            "copy-detection", "--data_path", data, .. SmallViT.Options, "--distractors_path", Path.Combine(folder.Path, "distractors"),
            "--num-distractors", "25", "--whitening_path", Path.Combine(folder.Path, "whitening"), "--imsize", "64", "--results", results, "--json",
        ];

        var result = Dino.Run(arguments).Succeeded();

        Assert.Equal(100, (double)result.Json["map"]!);
        Assert.Equal(["strong", "jpegqual/5", "jpegqual/20", "crops/10"], result.Json["blocks"]!.AsArray().Select(b => (string)b!["name"]!));
        Assert.All(result.Json["blocks"]!.AsArray(), block => Assert.Equal((100, Originals), ((double)block!["map"]!, (int)block["queries"]!)));
        Assert.Equal((20, 25, 96, true), (
            (int)result.Json["originals"]!, (int)result.Json["distractors"]!, (int)result.Json["dim"]!, (bool)result.Json["whitened"]!));

        // What is there is not computed again.
        var again = Dino.Run(arguments).Succeeded();
        Assert.Equal(result.Output, again.Output);
        Assert.Contains("distractors: 25 of 25 images were done before", again.Error, StringComparison.Ordinal);

        string markdown = Path.Combine(folder.Path, "report.md");
        var report = Dino.Run("report", results, "--markdown", markdown, "--out", Path.Combine(folder.Path, "pages/report.html")).Succeeded();
        Assert.Contains("set, 20 originals; not comparable", report.Output, StringComparison.Ordinal);
        Assert.Contains(
            "| **weights.pth** | **ViT-48x3/8** | **64², 96 dimensions, 25 distractors, whitened** | **100.0** |",
            File.ReadAllText(markdown),
            StringComparison.Ordinal);
        Assert.Contains("<h2>Copy detection</h2>", File.ReadAllText(Path.Combine(folder.Path, "pages/report.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void Copies_named_after_other_originals_are_found_by_chance()
    {
        using TestFolder folder = new();
        string data = WriteCopydays(folder, original => (original + 7) % Originals);
        var result = Dino.Run(["copy-detection", "--data", data, .. SmallViT.Options, "--image-size", "64", "--json"]).Succeeded();

        // Uniform ranks from 1 on give (1/2 + 1/3 + ... + 1/20) / 2 / 19 = 6.8 %; the originals are no strong copies of any.
        Assert.InRange((double)result.Json["map"]!, 1, 15);
        Assert.Contains("no --distractors-path", result.Error, StringComparison.Ordinal);
        Assert.Contains("no --whitening-path", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Look_alikes_of_any_images_are_grouped()
    {
        using TestFolder folder = new();
        WritePictures(folder, "own/many", 0, 8);
        foreach (var (copy, original) in new[] { ("a", 2), ("b", 2), ("c", 2), ("d", 5) })
        {
            // Other files of nearly the same picture.
            folder.Write($"own/more/{copy}.png", Picture(original, noise: copy[0]));
        }

        folder.Write("own/many/damaged.png", [1, 2, 3]);
        string output = Path.Combine(folder.Path, "out");
        var result = Dino.Run(
            ["copy-detection", "--data", Path.Combine(folder.Path, "own"), .. SmallViT.Options, "--out", output, "--threshold", "0.999",
                "--fault-share", "0.1", "--json"]).Succeeded();

        Assert.Equal((12, 2, 4), ((int)result.Json["images"]!, (int)result.Json["groups"]!, (int)result.Json["copies"]!));
        Assert.Contains("damaged.png", (string)Assert.Single(result.Json["skipped"]!.AsArray())!["name"]!, StringComparison.Ordinal);
        string[][] lines = [.. File.ReadAllLines(Path.Combine(output, "duplicates.csv")).Select(line => line.Split(','))];
        Assert.Equal(["group", "path", "similarity"], lines[0]);
        Assert.Equal(["1", "1", "1", "1", "2", "2"], lines.Skip(1).Select(line => line[0]));
        Assert.Equal("many/0002.png", lines[1][1]);
        Assert.Equal(["more/a.png", "more/b.png", "more/c.png"], lines[2..5].Select(line => line[1]).Order());
        Assert.Equal(["many/0005.png", "more/d.png"], lines[5..].Select(line => line[1]));
        string page = File.ReadAllText(Path.Combine(output, "duplicates.html"));
        Assert.Equal(6, page.Split("<img ").Length - 1);
        Assert.Contains("Group 1: 4 images", page, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_missing_in_Copydays_is_named()
    {
        using TestFolder folder = new();
        string data = WriteCopydays(folder, original => original);
        folder.Write("set/strong/999950.png");
        Fail("999950.png", "copy of nothing", "first 4 characters");
        File.Delete(Path.Combine(data, "strong/999950.png"));
        folder.Write("set/crops/10/other.png");
        Fail("crops/10", "other.png", "no original has its name");
        File.Delete(Path.Combine(data, "crops/10/other.png"));
        folder.Write("set/original/200300.png", [1, 2, 3]);
        Fail("original", "200300.png", "1 of 20 images cannot be used");
        Directory.Delete(Path.Combine(data, "strong"), recursive: true);
        Fail(Path.Combine(data, "strong"), "no such folder");

        void Fail(params string[] words)
        {
            var result = Dino.Run(["copy-detection", "--data", data, .. SmallViT.Options, "--image-size", "64"]);
            string line = result.Error.TrimEnd().Split('\n')[^1];
            Assert.Equal(1, result.ExitCode);
            Assert.All(words, word => Assert.Contains(word, line, StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("--data is missing", "--threshold", "0.9")]
    [InlineData("--weights is missing", "--data", "x")]
    [InlineData("--threshold is a cosine", "--data", "x", "--out", "y", "--threshold", "1.5")]
    [InlineData("give --out too", "--data", "x", "--threshold", "0.9")]
    [InlineData("give --out to group", "--data", "x", "y")]
    [InlineData("--distractors-path is for Copydays", "--data", "x", "--out", "y", "--distractors-path", "z")]
    [InlineData("--batch-size", "--data", "x", "--batch-size", "0")]
    [InlineData("--fault-share", "--data", "x", "--fault-share", "2")]
    public void A_wrong_request_says_what_is_wrong(string words, params string[] arguments) =>
        Dino.Run(["copy-detection", .. arguments]).Failed(2, words);

    [Fact]
    public void A_report_needs_results()
    {
        using TestFolder folder = new();
        Dino.Run("report", "/no/such").Failed(1, "/no/such", "no such folder");
        Dino.Run("report", folder.Path).Failed(1, folder.Path, "holds no results");
        folder.WriteText("run.json", "{}");
        Dino.Run("report", folder.Path).Failed(1, folder.Path, "nothing is measured");
        folder.WriteText("evaluations/knn.json", "{\"protocol\": \"knn\"}");
        Dino.Run("report", folder.Path).Failed(1, "knn.json", "no evaluation's record");
        foreach (string verb in new[] { "report", "copy-detection" })
        {
            Assert.Contains("--device", Dino.Run(verb, "--help").Succeeded().Output, StringComparison.Ordinal);
        }
    }

    /// <summary>Copydays in its public layout: the copies are the originals, re-encoded; the strong ones are named after any original.</summary>
    private static string WriteCopydays(TestFolder folder, Func<int, int> namedAfter)
    {
        for (int i = 0; i < Originals; i++)
        {
            folder.Write($"set/original/20{i:D2}00.png", Picture(i));
            folder.Write($"set/strong/20{namedAfter(i):D2}50.png", Picture(i));
            foreach (string block in new[] { "jpegqual/20", "jpegqual/5", "crops/10" })
            {
                folder.Write($"set/{block}/20{i:D2}00.png", Picture(i, noise: 3));
            }
        }

        return Path.Combine(folder.Path, "set");
    }

    private static void WritePictures(TestFolder folder, string name, int first, int count)
    {
        for (int i = 0; i < count; i++)
        {
            folder.Write($"{name}/{i:D4}.png", Picture(first + i));
        }
    }

    /// <summary>A PNG of coloured squares, other for each seed; with noise that hardly shows.</summary>
    private static byte[] Picture(int seed, int noise = 0)
    {
        const int Side = 48, Square = 12;
        using PixelImage image = new(Side, Side);
        byte[] colors = new byte[3 * (Side / Square) * (Side / Square)];
        new Random(seed).NextBytes(colors);
        Random grain = new(noise);
        for (int i = 0; i < image.Pixels.Length; i++)
        {
            int x = i / 3 % Side / Square, y = i / 3 / Side / Square;
            int value = colors[3 * (y * (Side / Square) + x) + i % 3] + (noise == 0 ? 0 : grain.Next(-2, 3));
            image.Pixels[i] = (byte)Math.Clamp(value, 0, 255);
        }

        return PngWriter.Encode(image);
    }
}
