using System.Text.Json.Nodes;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

public sealed class RetrievalCommandTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private string Cache => Path.Combine(_folder.Path, "cache");

    [Fact]
    public void Answers_that_are_copies_of_the_query_score_100_and_the_work_is_not_done_twice()
    {
        var oxford = new DrawnOxford(_folder);
        string sheet = Path.Combine(_folder.Path, "new/sheet.html"), results = Path.Combine(_folder.Path, "results");
        var first = Benchmark(oxford, "--crop-queries", "--multiscale", "true", "--sheet", sheet, "--results", results).Succeeded();

        Assert.Equal(oxford.Images, (int)first.Json["images"]!);
        foreach (string difficulty in new[] { "medium", "hard", "easy" })
        {
            var score = first.Json[difficulty]!;
            Assert.Equal(100, (double)score["map"]!, 1e-9);
            Assert.All(score["mean_precision"]!.AsObject(), p => Assert.Equal(100, (double)p.Value!, 1e-9));
            Assert.Equal(DrawnOxford.Places, score["average_precisions"]!.AsArray().Count);
        }

        Assert.Matches("(?s)kept for dino report.*what was found for them", first.Error);
        string page = File.ReadAllText(sheet);
        Assert.Contains("1 right", page, StringComparison.Ordinal);
        Assert.Contains("junk", page, StringComparison.Ordinal);
        Assert.Contains("wrong", page, StringComparison.Ordinal);
        var record = JsonNode.Parse(File.ReadAllText(Assert.Single(Directory.GetFiles(results, "*.json"))))!;
        Assert.Equal("mAP M", (string)record["scores"]![0]!["name"]!);
        Assert.Equal("mAP H", (string)record["scores"]![1]!["name"]!);

        // Half of the features are taken away, the last of them within itself.
        string kept = Assert.Single(Directory.GetFiles(Cache, "*-database-*"));
        byte[] whole = File.ReadAllBytes(kept);
        File.WriteAllBytes(kept, whole[..(whole.Length / 2)]);
        var second = Benchmark(oxford, "--crop-queries", "--multiscale", "true").Succeeded();
        Assert.Matches(@"database-\w+\.features: 1\d features are there from earlier work", second.Error);
        Assert.Equal(first.Output, second.Output);
        Assert.Equal(whole, File.ReadAllBytes(kept));
    }

    /// <summary>Each query's own place is found first, so the answers of another one stand behind it.</summary>
    [Fact]
    public void Answers_of_other_places_score_next_to_nothing()
    {
        var oxford = new DrawnOxford(_folder, shift: 1);
        var result = Benchmark(oxford, "--crop-queries").Succeeded();
        Assert.InRange((double)result.Json["medium"]!["map"]!, 1, 30);
        Assert.Equal(0, (double)result.Json["medium"]!["mean_precision"]!["1"]!);
        var whole = Benchmark(oxford).Succeeded(); // queries as they are: other features
        Assert.NotEqual((double)result.Json["medium"]!["map"]!, (double)whole.Json["medium"]!["map"]!);
    }

    [Fact]
    public void What_is_missing_or_wrong_in_a_benchmark_is_said_in_one_line()
    {
        var oxford = new DrawnOxford(_folder);
        string image = Path.Combine(oxford.Data, "roxford5k/jpg/place_1_easy_0.jpg"), truth = Path.Combine(oxford.Data, "roxford5k/gnd_roxford5k.pkl");
        byte[] bytes = File.ReadAllBytes(image);
        File.WriteAllBytes(image, bytes[..(bytes.Length / 2)]);
        var damaged = Benchmark(oxford);
        Assert.Equal(1, damaged.ExitCode);
        Assert.Matches("\ndino: [^\n]*place_1_easy_0[^\n]*\n$", damaged.Error);
        File.Delete(image);
        Benchmark(oxford).Failed(1, "place_1_easy_0.jpg", "missing");
        Benchmark(oxford, "--dataset", "rparis6k").Failed(1, "rparis6k", "no such folder");
        Benchmark(oxford, "--dataset", "instre").Failed(2, "roxford5k, rparis6k");
        Benchmark(oxford, "--imsize", "5").Failed(2, "--imsize");
        File.WriteAllBytes(truth, File.ReadAllBytes(truth)[..200]);
        Benchmark(oxford).Failed(1, "gnd_roxford5k.pkl", "pickle");
        File.Delete(truth);
        Benchmark(oxford).Failed(1, "gnd_roxford5k.pkl", "no such file");
    }

    [Fact]
    public void A_gallery_is_indexed_and_asked()
    {
        _folder.WriteClass("gallery/red", Pictures.Red, 6);
        _folder.WriteClass("gallery/blue", Pictures.Blue, 6);
        string query = _folder.Write("asked.png", Pictures.Noisy(Pictures.Red, 3)), index = Path.Combine(_folder.Path, "index.safetensors");
        string gallery = Path.Combine(_folder.Path, "gallery"), found = Path.Combine(_folder.Path, "found");

        var made = Own("--gallery", gallery, "--index", index).Succeeded();
        Assert.Equal((12, 0, 0), ((int)made.Json["added"]!, (int)made.Json["kept"]!, (int)made.Json["removed"]!));
        var asked = Own("--index", index, "--query", query, "--top", "4", "--out", found).Succeeded();
        var neighbours = Assert.Single(asked.Json["queries"]!.AsArray())!["neighbours"]!.AsArray();
        Assert.Equal("red/003.png", (string)neighbours[0]!["path"]!);
        Assert.Equal(1, (double)neighbours[0]!["similarity"]!, 1e-5);
        Assert.All(neighbours, n => Assert.StartsWith("red/", (string)n!["path"]!, StringComparison.Ordinal));
        string[] lines = File.ReadAllLines(Path.Combine(found, "neighbours.csv"));
        Assert.Equal("query,rank,path,similarity", lines[0]);
        Assert.StartsWith($"{query},1,red/003.png,", lines[1], StringComparison.Ordinal);
        Assert.Equal(5, lines.Length);
        Assert.Contains("<img", File.ReadAllText(Path.Combine(found, "neighbours.html")), StringComparison.Ordinal);

        _folder.Write("gallery/red/new.png", Pictures.Noisy(Pictures.Red, 50));
        File.Delete(Path.Combine(gallery, "blue/000.png"));
        var grown = Own("--gallery", gallery, "--index", index, "--query", gallery, "--top", "1").Succeeded();
        Assert.Equal((1, 11, 1), ((int)grown.Json["added"]!, (int)grown.Json["kept"]!, (int)grown.Json["removed"]!));
        Assert.All(grown.Json["queries"]!.AsArray(), q => Assert.Equal((string)q!["query"]!, (string)q["neighbours"]![0]!["path"]!));

        Directory.Move(gallery, gallery + "-elsewhere");
        Own("--index", index, "--query", query, "--out", found).Succeeded();
        Assert.Contains("cannot be shown", File.ReadAllText(Path.Combine(found, "neighbours.html")), StringComparison.Ordinal);

        string error = Own("--index", index, "--query", query, "--imsize", "32").Error;
        Assert.Contains("other weights or settings", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--data is missing")]
    [InlineData("either --data", "--data", "x", "--gallery", "y")]
    [InlineData("--index is missing", "--gallery", "x")]
    [InlineData(".safetensors", "--gallery", "x", "--index", "x.npy")]
    [InlineData("no such index", "--query", "x", "--index", "/no/such.safetensors")]
    [InlineData("--top is at least 1", "--gallery", "x", "--index", "x.safetensors", "--top", "0")]
    [InlineData("give --query", "--gallery", "x", "--index", "x.safetensors", "--out", "y")]
    [InlineData("--cache is for the benchmark", "--gallery", "x", "--index", "x.safetensors", "--cache", "y")]
    [InlineData("--dataset is for the benchmark", "--gallery", "x", "--index", "x.safetensors", "--dataset", "rparis6k")]
    [InlineData("--top is for a gallery", "--data", "x", "--top", "3")]
    public void A_wrong_request_says_what_is_wrong(string words, params string[] arguments) =>
        Dino.Run(["retrieval", .. SmallViT.Options, .. arguments]).Failed(2, words);

    public void Dispose() => _folder.Dispose();

    private DinoResult Benchmark(DrawnOxford oxford, params string[] more) =>
        Dino.Run(["retrieval", "--data_path", oxford.Data, "--imsize", "64", "--cache", Cache, .. SmallViT.Options, "--json", .. more]);

    private static DinoResult Own(params string[] arguments) =>
        Dino.Run(["retrieval", "--json", .. SmallViT.Options, .. arguments]);
}
