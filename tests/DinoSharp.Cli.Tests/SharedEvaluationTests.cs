using System.Text.Json.Nodes;
using DinoSharp.Models.Weights;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>Several processes that evaluate together find what one process finds, to the bit, through the command line and a real mpirun.</summary>
public sealed class SharedEvaluationTests : IDisposable
{
    private const int Damaged = 1;

    private readonly TestFolder _folder = new();

    private string Set => PathOf("set");

    /// <summary>More training images than a block of the search has, twenty of them many times, so that there are equal neighbours.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void K_NN_votes_and_neighbours(int ranks)
    {
        byte[][] drawn = [.. Enumerable.Range(0, 500).Select(i => Pictures.Noisy(Color(i), i, 12, 9))];
        for (int i = 0; i < 2171; i++)
        {
            _folder.Write($"set/train/{(i % 2 == 0 ? "red" : "blue")}/{i:D4}.png", drawn[i < 500 ? i : i % 20]);
        }

        for (int i = 0; i < 53; i++)
        {
            _folder.Write($"set/test/{(i % 2 == 0 ? "red" : "blue")}/{i:D4}.png", Pictures.Noisy(Color(i / 2), 900 + i, 12, 9));
        }

        _folder.WriteText("set/train/red/damaged.png", "no image");
        string[] knn = ["knn", "--data", Set, .. SmallViT.Options, "--image-size", "8", "--batch-size", "48", "--threads", "1", "--json"];
        var one = Dino.Run([.. knn, "--raw-pixels"]).Succeeded();
        var several = Dino.RunRanks(ranks, [.. knn, "--raw-pixels"]).Succeeded();
        Assert.Equal(one.Output, several.Output);
        Assert.Equal(Damaged, several.Error.Split("damaged.png").Length - 1);

        string expected = PathOf("one/likes.html"), found = PathOf("several/likes.html");
        string[] neighbors = [.. knn[..2], PathOf("set/train"), .. knn[3..], "--neighbors", "30"];
        Dino.Run([.. neighbors, "--out", expected]).Succeeded();
        Dino.RunRanks(ranks, [.. neighbors, "--out", found]).Succeeded();
        Assert.Equal(File.ReadAllBytes(Path.ChangeExtension(expected, ".csv")), File.ReadAllBytes(Path.ChangeExtension(found, ".csv")));
        Assert.Equal(File.ReadAllBytes(expected), File.ReadAllBytes(found));
    }

    [Fact]
    public void Embedded_features_and_their_cache_which_belongs_to_no_number_of_processes()
    {
        WriteImages(83);
        string[] embed = ["embed", "--data", Set, .. SmallViT.Options, "--image-size", "32", "--batch-size", "8", "--threads", "1"];
        Dino.Run([.. embed, "--out", PathOf("one.safetensors")]).Succeeded();
        string[] kept = [.. embed, "--cache", PathOf("cache"), "--out"];
        var three = Dino.RunRanks(3, [.. kept, PathOf("three.safetensors")]).Succeeded();
        Assert.Equal(Damaged, three.Output.Split("damaged.png").Length - 1);
        string[] parts = [.. Directory.GetFiles(PathOf("cache"), "*.safetensors", SearchOption.AllDirectories).Order()];
        Assert.Equal(["000000000", "000000032", "000000064"], parts.Select(part => Path.GetFileNameWithoutExtension(part)));

        // A rank that cannot go on ends all, by name.
        byte[] bytes = File.ReadAllBytes(parts[2]), damaged = [.. bytes];
        damaged[^5] ^= 1;
        File.WriteAllBytes(parts[2], damaged);
        var failed = Dino.RunRanks(2, [.. kept, PathOf("failed.safetensors")]);
        Assert.Equal(1, failed.ExitCode);
        string line = Assert.Single(failed.Error.Split('\n'), text => text.StartsWith("dino: ", StringComparison.Ordinal));
        Assert.StartsWith("dino: rank 1 (", line, StringComparison.Ordinal);
        Assert.Contains($"{parts[2]}: is damaged", line, StringComparison.Ordinal);
        Assert.False(File.Exists(PathOf("failed.safetensors")));

        File.Delete(parts[2]);
        var two = Dino.RunRanks(2, [.. kept, PathOf("two.safetensors")]).Succeeded();
        Assert.Contains("embed: 64 of 83 images were done before", two.Output, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(parts[2]));
        var again = Dino.Run([.. kept, PathOf("again.safetensors")]).Succeeded();
        Assert.Contains("embed: 83 of 83 images were done before", again.Output, StringComparison.Ordinal);
        Assert.All(["three", "two", "again"], name => Assert.Equal(
            File.ReadAllBytes(PathOf("one.safetensors")), File.ReadAllBytes(PathOf($"{name}.safetensors"))));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Retrieval_on_the_benchmark_and_in_a_gallery(int ranks)
    {
        var oxford = new DrawnOxford(_folder);
        string[] benchmark = ["retrieval", "--data", oxford.Data, "--imsize", "64", "--multiscale", "true", .. SmallViT.Options, "--threads", "1", "--json"];
        string[] One(string name) => [.. benchmark, "--cache", PathOf($"{name}/cache"), "--sheet", PathOf($"{name}/sheet.html")];
        Directory.CreateDirectory(PathOf("one"));
        Directory.CreateDirectory(PathOf("several"));
        Assert.Equal(Dino.Run(One("one")).Succeeded().Output, Dino.RunRanks(ranks, One("several")).Succeeded().Output);
        Assert.Equal(3, AssertSameFiles("one", "several")); // the features of queries and database, and the sheet

        WriteImages(47);
        string[] Gallery(string name) =>
        [
            "retrieval", "--gallery", Set, "--index", PathOf($"{name}/index.safetensors"), "--query", Set, PathOf("set/red/004.png"), "--top", "9",
            "--imsize", "64", "--out", PathOf($"{name}/found"), .. SmallViT.Options, "--threads", "1", "--json",
        ];
        var one = Dino.Run(Gallery("one")).Succeeded();
        var several = Dino.RunRanks(ranks, Gallery("several")).Succeeded();
        Assert.Equal(one.Output, several.Output.Replace("/several/", "/one/", StringComparison.Ordinal));
        Assert.Equal(6, AssertSameFiles("one", "several"));
    }

    [Fact]
    public void Copies_and_look_alikes()
    {
        for (int i = 0; i < 21; i++)
        {
            byte[] picture = Pictures.Noisy(Color(i), i % 17); // a few twice
            _folder.Write($"copydays/original/{i:D4}00.png", picture);
            _folder.Write($"copydays/strong/{i:D4}01.png", Pictures.Noisy(Color(i), i % 17, 38, 32));
            _folder.Write($"others/{i}.png", i % 3 == 0 ? picture : Pictures.Noisy(Pictures.Green, i));
        }

        string[] scores =
        [
            "copy-detection", "--data", PathOf("copydays"), .. SmallViT.Options, "--distractors-path", PathOf("others"), "--whitening-path",
            PathOf("others"), "--imsize", "32", "--batch-size", "4", "--threads", "1", "--json",
        ];
        var one = Dino.Run(scores).Succeeded();
        Assert.Equal(one.Output, Dino.RunRanks(3, scores).Succeeded().Output);
        Assert.InRange((double)one.Json["map"]!, 1, 99);

        string[] groups = ["copy-detection", "--data", PathOf("others"), .. SmallViT.Options, "--batch-size", "4", "--threads", "1", "--cache", PathOf("cache"), "--out"];
        Dino.Run([.. groups, PathOf("one")]).Succeeded();
        Directory.Delete(PathOf("cache"), recursive: true);
        Dino.RunRanks(2, [.. groups, PathOf("several")]).Succeeded();
        Assert.Equal(2, AssertSameFiles("one", "several"));
    }

    /// <summary>With cached features the classifier's bits are those of one process; else it is a training, and the same to rounding.</summary>
    [Fact]
    public void Linear_classifiers()
    {
        WriteImages(48);
        string[] linear =
        [
            "linear", "--data", Set, .. SmallViT.Options, "--image-size", "32", "--epochs", "2", "--batch-size", "6", "--threads", "1", "--lr", "0.01",
            "--fault-share", "0.2", "--json",
        ];
        var one = Linear(1, "one", "--cached");
        var two = Linear(2, "two", "--cached");
        Assert.Equal((string)one["best"]!.ToJsonString(), two["best"]!.ToJsonString());
        Assert.Equal(File.ReadAllBytes(PathOf("one/linear.pth")), File.ReadAllBytes(PathOf("two/linear.pth")));

        one = Linear(1, "one-crops");
        two = Linear(2, "two-crops");
        Assert.Equal((double)one["best"]!["top1"]!, (double)two["best"]!["top1"]!, 20.0); // of the tested images one or two may tip over
        float[] expected = Weights("one-crops"), found = Weights("two-crops");
        Assert.True(expected.Max(MathF.Abs) > 1e-3);
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));

        JsonObject Linear(int ranks, string run, params string[] more)
        {
            string[] command = [.. linear, "--out", PathOf(run), .. more];
            return (ranks == 1 ? Dino.Run(command) : Dino.RunRanks(ranks, command)).Succeeded().Json;
        }

        float[] Weights(string run) =>
            [.. LinearWeights.Read(PathOf($"{run}/linear.pth")).Weight.ToFloat32()];
    }

    [Fact]
    public void The_score_that_a_training_begins_with()
    {
        WriteImages(36);
        string[] Training(string run) => TinyTraining.Arguments(Set, PathOf(run), 1, "--knn-every", "1", "--batch-size", "6", "--fault-share", "0.2");
        Dino.Run(Training("one")).Succeeded();
        Dino.RunRanks(2, Training("two")).Succeeded();
        double[] one = Scores("one"), two = Scores("two");
        Assert.Equal(2, one.Length);
        Assert.Equal(one[0], two[0]);
        Assert.Equal(one[1], two[1], 15.0); // after an epoch the networks are the same to rounding

        double[] Scores(string run) =>
            [.. TinyTraining.Metrics(PathOf(run)).Where(line => line.ContainsKey("knn_top1")).Select(line => (double)line["knn_top1"]!)];
    }

    public void Dispose() => _folder.Dispose();

    private string PathOf(string name) => Path.Combine(_folder.Path, name);

    private static byte[] Color(int i) => i % 2 == 0 ? Pictures.Red : Pictures.Blue;

    /// <summary>Images in two classes, one of which is damaged and some the same.</summary>
    private void WriteImages(int count)
    {
        for (int i = 0; i < count - Damaged; i++)
        {
            _folder.Write($"set/{(i % 2 == 0 ? "red" : "blue")}/{i:D3}.png", Pictures.Noisy(Color(i / 3), i % 31));
        }

        _folder.WriteText("set/red/damaged.png", "no image");
    }

    /// <returns>how many there are</returns>
    private int AssertSameFiles(string one, string several)
    {
        string[] files = [.. Files(one)];
        Assert.Equal(files, Files(several));
        Assert.All(files, file => Assert.Equal(File.ReadAllBytes(Path.Combine(PathOf(one), file)), File.ReadAllBytes(Path.Combine(PathOf(several), file))));
        return files.Length;

        IEnumerable<string> Files(string folder) =>
            Directory.GetFiles(PathOf(folder), "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(PathOf(folder), path)).Order();
    }
}
