using System.IO.Compression;
using System.Text.Json.Nodes;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

public sealed class KnnCommandTests
{
    [Fact]
    public void Features_and_raw_pixels_are_scored_while_bad_files_are_left_out_and_named()
    {
        using TestFolder folder = new();
        folder.WriteClass("train/red", Pictures.Red, 6);
        folder.WriteClass("train/blue", Pictures.Blue, 6);
        folder.WriteClass("test/red", Pictures.Red, 4);
        folder.WriteClass("test/blue", Pictures.Blue, 4);
        folder.WriteClass("test/green", Pictures.Green, 1); // of no train class: missed
        string[] damaged = folder.WriteDamaged("test/red");

        var result = Dino.Run(["knn", "--data", folder.Path, .. SmallViT.Options, "--raw-pixels", "--fault-share", "0.5", "--json"])
            .Succeeded();

        foreach (string kind in new[] { "scores", "raw_pixels" })
        {
            var scores = result.Json[kind]!.AsArray();
            Assert.Equal([10, 20, 100, 200], scores.Select(s => (int)s!["k"]!));
            Assert.All(scores, s => Assert.Equal(800.0 / 9, (double)s!["top1"]!, 1e-9));
        }

        Assert.Equal(damaged.Order(), Skipped(result.Json).Order());
        Assert.All(damaged, name => Assert.Contains(name, result.Error, StringComparison.Ordinal));
        Assert.Contains("5 of 26 images could not be used", result.Error, StringComparison.Ordinal);
        Assert.Contains("count as missed: green", result.Error, StringComparison.Ordinal);
        Assert.Contains("k of 20, 100, 200: there are fewer train images", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Sets_may_lie_apart_as_a_list_and_an_archive()
    {
        using TestFolder folder = new();
        folder.WriteClass("a", Pictures.Red, 3);
        folder.WriteClass("b", Pictures.Blue, 3);
        string list = folder.WriteText(
            "train.csv", "path,label\na/000.png,red\na/001.png,red\na/002.png,red\nb/000.png,blue\nb/001.png,blue\nb/002.png,blue\n");
        using TestFolder other = new();
        other.WriteClass("red", Pictures.Red, 2);
        other.WriteClass("blue", Pictures.Blue, 2);
        string archive = Path.Combine(folder.Path, "test.zip");
        ZipFile.CreateFromDirectory(other.Path, archive);

        var result = Dino.Run(["knn", "--train", list, "--test", archive, .. SmallViT.Options, "--nb_knn", "1", "3", "--json"]).Succeeded();

        Assert.Equal([1, 3], result.Json["scores"]!.AsArray().Select(s => (int)s!["k"]!));
        Assert.All(result.Json["scores"]!.AsArray(), s => Assert.Equal(100, (double)s!["top1"]!));
    }

    [Fact]
    public void A_set_without_splits_holds_out_every_fifth_image_and_people_read_a_table()
    {
        using TestFolder folder = new();
        folder.WriteClass("red", Pictures.Red, 10);
        folder.WriteClass("blue", Pictures.Blue, 10);

        var result = Dino.Run("knn", "--data", folder.Path, "--raw-pixels", "--nb-knn", "5").Succeeded();

        Assert.Contains("train: 16 images of 2 classes", result.Output, StringComparison.Ordinal);
        Assert.Contains("test: 4 images of 2 classes", result.Output, StringComparison.Ordinal);
        Assert.Matches(@"raw pixels +5 +100\.00 +100\.00", result.Output);
        Assert.Empty(result.Error);
    }

    [Fact]
    public void Too_many_bad_files_end_the_work()
    {
        using TestFolder folder = new();
        folder.WriteClass("red", Pictures.Red, 10);
        folder.Write("blue/bomb.png", File.ReadAllBytes(TestFolder.Fixture("pictures/bomb.png")));
        Dino.Run("knn", "--data", folder.Path, "--raw-pixels")
            .Failed(1, folder.Path, "1 of 9 images cannot be used", "bomb.png", "declares 60000 x 60000 pixels");
    }

    [Fact]
    public void Images_without_labels_or_too_few_to_hold_any_out_are_refused()
    {
        using var unlabelled = TestFolder.OfImages(6);
        Dino.Run("knn", "--data", unlabelled.Path, "--raw-pixels").Failed(1, unlabelled.Path, "no labels", "path and label");
        using TestFolder few = new();
        few.WriteClass("red", Pictures.Red, 4);
        Dino.Run("knn", "--data", few.Path, "--raw-pixels").Failed(1, few.Path, "too few to hold out");
    }

    [Fact]
    public void What_is_not_there_is_named()
    {
        using TestFolder folder = new();
        folder.WriteText("notes.md", "nothing");
        folder.WriteClass("set/red", Pictures.Red, 5);
        string set = Path.Combine(folder.Path, "set");
        Dino.Run("knn", "--data", "/no/such/folder", "--raw-pixels").Failed(1, "/no/such/folder", "check the path");
        Dino.Run("knn", "--data", Path.Combine(folder.Path, "notes.md"), "--raw-pixels").Failed(1, "notes.md", "no set of images");
        Dino.Run("knn", "--data", set, "--weights", "/no/such.pth").Failed(1, "/no/such.pth", "no such file");
        Dino.Run("knn", "--data", set, "--weights", Path.Combine(set, "red/000.png")).Failed(1, "000.png", "torch.save");
        Dino.Run("knn", "--data", set, "--weights", SmallViT.Path).Failed(1, "weights.pth", "--num-heads");
    }

    [Fact]
    public void Without_labels_the_neighbours_of_every_image_are_written_and_some_are_shown()
    {
        using TestFolder folder = new();
        for (int i = 0; i < 15; i++)
        {
            folder.Write($"set/{i:D2}.png", Pictures.Noisy(i % 2 == 0 ? Pictures.Red : Pictures.Blue, i));
        }

        folder.WriteText("set/07-words.jpg", "this is no image");
        string sheet = Path.Combine(folder.Path, "out/sheet.html"), set = Path.Combine(folder.Path, "set");
        string[] arguments = ["knn", "--data", set, .. SmallViT.Options, "--neighbors", "3", "--out", sheet, "--fault-share", "0.5", "--json"];
        var result = Dino.Run(arguments).Succeeded();

        Assert.Equal(15, (int)result.Json["images"]!);
        Assert.Equal("07-words.jpg", Assert.Single(Skipped(result.Json)));
        var lines = File.ReadAllLines(Path.ChangeExtension(sheet, ".csv")).Skip(1).Select(line => line.Split(',')).ToList();
        Assert.Equal(45, lines.Count);
        Assert.All(lines, line => Assert.Equal(Color(line[0]), Color(line[2])));
        Assert.All(lines, line => Assert.NotEqual(line[0], line[2]));
        string page = File.ReadAllText(sheet);
        Assert.Equal(15 * 4, page.Split("<img").Length - 1);
        Dino.Run(arguments).Succeeded();
        Assert.Equal(page, File.ReadAllText(sheet));

        static int Color(string name) => int.Parse(name[..2], System.Globalization.CultureInfo.InvariantCulture) % 2;
    }

    [Fact]
    public void The_result_is_kept_for_the_report_with_the_published_k_first()
    {
        using TestFolder folder = new();
        folder.WriteClass("set/red", Pictures.Red, 10);
        folder.WriteClass("set/blue", Pictures.Blue, 10);
        string results = Path.Combine(folder.Path, "results");
        Dino.Run(["knn", "--data", Path.Combine(folder.Path, "set"), .. SmallViT.Options, "--results", results]).Succeeded();
        var scores = JsonNode.Parse(File.ReadAllText(Assert.Single(Directory.GetFiles(results, "knn-set-weights.pth-*.json"))))!["scores"]!.AsArray();
        Assert.Equal(
            ["k-NN top-1", "k-NN top-5", "k-NN top-1, k = 10", "k-NN top-1, k = 100", "k-NN top-1, k = 200"],
            scores.Select(s => (string)s!["name"]!));
    }

    [Theory]
    [InlineData("--out is missing", "--data", "x", "--neighbors", "3")]
    [InlineData("--neighbors is at least 1", "--data", "x", "--neighbors", "0", "--out", "x.html")]
    [InlineData("name an .html file", "--data", "x", "--neighbors", "3", "--out", "x.pdf")]
    [InlineData("give --neighbors", "--data", "x", "--out", "x.html", "--raw-pixels")]
    [InlineData("--weights is missing", "--data", "x")]
    [InlineData("--data is missing", "--raw-pixels")]
    [InlineData("--train and --test", "--raw-pixels", "--train", "x")]
    [InlineData("at least one k", "--raw-pixels", "--data", "x", "--nb-knn", "10", "0")]
    [InlineData("temperature must be above 0", "--raw-pixels", "--data", "x", "--temperature", "0")]
    [InlineData("--batch-size is at least 1", "--raw-pixels", "--data", "x", "--batch-size", "0")]
    [InlineData("--fault-share", "--raw-pixels", "--data", "x", "--fault-share", "5")]
    [InlineData("'many'", "--raw-pixels", "--data", "x", "--nb-knn", "many")]
    public void A_wrong_request_says_what_is_wrong(string words, params string[] arguments) =>
        Dino.Run(["knn", .. arguments]).Failed(2, words);

    private static IEnumerable<string> Skipped(JsonObject json) =>
        json["skipped"]!.AsArray().Select(s => Path.GetFileName((string)s!["name"]!));
}
