using System.Globalization;
using DinoSharp.Checkpoints;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>dino linear, and dino predict with what it leaves.</summary>
public sealed class LinearCommandTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Classes_that_colour_tells_apart_are_all_found_and_the_classifier_is_used_on_other_pictures(bool cached)
    {
        using var folder = Coloured(train: 12, test: 4);
        string run = Path.Combine(folder.Path, "run");
        var result = Dino.Run(Arguments(folder.Path, run, cached ? ["--cached"] : [])).Succeeded();

        Assert.Equal(100, (double)result.Json["best"]!["top1"]!);
        Assert.Equal([0.0001, 1], result.Json["rates"]!.AsArray().Select(rate => (double)rate!["lr"]!));
        Assert.Equal(1, (double)result.Json["best"]!["lr"]!); // the other has hardly moved from chance
        Assert.Equal(12, (int)result.Json["images"]!);
        Assert.Contains("features: 144 values, class tokens of the last 3 blocks", result.Error, StringComparison.Ordinal);

        using TestFolder others = new();
        others.Write("a.png", Pictures.Noisy(Pictures.Blue, 91));
        others.Write("b.png", Pictures.Noisy(Pictures.Red, 92));
        string csv = Path.Combine(others.Path, "out", "predictions.csv");
        var predicted = Dino.Run(
            ["predict", "--data", others.Path, .. SmallViT.Options, "--linear", Path.Combine(run, "linear.pth"), "--out", csv, "--json"])
            .Succeeded();
        Assert.Equal(2, (int)predicted.Json["images"]!);
        string[][] lines = [.. File.ReadAllLines(csv).Select(line => line.Split(','))];
        Assert.Equal(["path", "label", "prediction", "probability", "blue", "green", "red"], lines[0]);
        Assert.Equal([("a.png", "blue"), ("b.png", "red")], lines[1..].Select(line => (line[0], line[2])));
        Assert.All(lines[1..], line => Assert.Equal(1, line[4..].Sum(p => double.Parse(p, CultureInfo.InvariantCulture)), 1e-5));
    }

    [Fact]
    public void Labels_that_have_nothing_to_do_with_the_pictures_give_chance()
    {
        using TestFolder folder = new();
        foreach (var (set, first, count) in new[] { ("train", 0, 40), ("test", 100, 60) })
        {
            for (int i = 0; i < count; i++)
            {
                folder.Write($"{set}/{(i % 2 == 0 ? "heads" : "tails")}/{i:D3}.png", Pictures.Noisy(Pictures.Green, first + i));
            }
        }

        var result = Dino.Run(Arguments(folder.Path, Path.Combine(folder.Path, "run"), "--cached")).Succeeded();
        Assert.InRange((double)result.Json["best"]!["top1"]!, 35, 72); // 60 coins: two deviations are 13 %, and the better of two is told
    }

    [Fact]
    public async Task A_stopped_evaluation_goes_on_and_ends_with_the_bits_of_one_never_stopped()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are POSIX's");
        using var folder = Coloured(train: 12, test: 4);
        string whole = Path.Combine(folder.Path, "whole"), stopped = Path.Combine(folder.Path, "stopped");
        Dino.Run(Arguments(folder.Path, whole, "--epochs", "40")).Succeeded();
        using (var process = Dino.Start(Arguments(folder.Path, stopped, "--epochs", "40")))
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            TinyTraining.AwaitSteps(process, stopped, 2);
            ResumeTests.Send("-TERM", process);
            await process.WaitForExitAsync();
            await Task.WhenAll(output, error);
            Assert.Equal(75, process.ExitCode);
        }

        var result = Dino.Run(Arguments(folder.Path, stopped, "--epochs", "40")).Succeeded();
        Assert.Contains("going on after step", result.Error, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole, "linear.pth")), File.ReadAllBytes(Path.Combine(stopped, "linear.pth")));
    }

    /// <summary>The reference keeps its classifiers so; they name no classes, which are then the class folders in order.</summary>
    [Fact]
    public void A_classifier_of_the_reference_scores_labelled_pictures()
    {
        using var folder = Coloured(train: 1, test: 4);
        string file = Path.Combine(folder.Path, "linearweights.pth");
        TorchFile.Write(file, new OrderedDictionary<object, object?>
        {
            ["epoch"] = 100L,
            ["state_dict"] = new OrderedDictionary<object, object?>
            {
                ["module.linear.weight"] = ArrayData.FromFloat32(new float[3 * 3 * SmallViT.Dim], 3, 3 * SmallViT.Dim),
                ["module.linear.bias"] = ArrayData.FromFloat32([0, 5, 1], 3), // green always, red else
            },
            ["best_acc"] = 77.0,
        });
        string csv = Path.Combine(folder.Path, "predictions.csv");
        var result = Dino.Run(
            ["predict", "--data", folder.Path, "--split", "test", .. SmallViT.Options, "--linear", file, "--out", csv, "--json"]).Succeeded();
        Assert.Equal(100.0 / 3, (double)result.Json["top1"]!, 1e-9);
        Assert.All(File.ReadAllLines(csv)[1..], line => Assert.Equal("class 1", line.Split(',')[2]));
    }

    [Fact]
    public void What_does_not_fit_is_said_in_one_line()
    {
        using var folder = Coloured(train: 4, test: 2);
        string run = Path.Combine(folder.Path, "run");
        Dino.Run("linear", "--data", folder.Path, "--weights", SmallViT.Path).Failed(2, "--out is missing");
        Dino.Run("linear", "--data", folder.Path, "--out", run).Failed(2, "--weights is missing");
        Dino.Run(["linear", "--out", run, .. SmallViT.Options]).Failed(2, "--data is missing");
        Assert.Contains("dino: --lr names learning rates above 0", Dino.Run(Arguments(folder.Path, run, "--lr", "-1")).Error, StringComparison.Ordinal);
        Assert.Contains("the last 9 blocks are asked for, and this network has 3", Dino.Run(Arguments(folder.Path, run, "--n-last-blocks", "9")).Error, StringComparison.Ordinal);
        Dino.Run(Arguments(folder.Path, run, "--cached", "--crops-scale", "0.5", "1")).Failed(2, "--crops-scale", "--cached");
        Dino.Run(Arguments(folder.Path, run, "--epochs", "1", "--cached")).Succeeded();
        string other = Path.Combine(folder.Path, "other.csv");
        Assert.Contains(
            "its classifier has weights of [3, 144] and this network gives features of length",
            Dino.Run("predict", "--data", folder.Path, "--weights", TestFolder.Fixture("vit/weights.pth"), "--num-heads", "3",
                "--linear", Wider(run), "--out", other).Error,
            StringComparison.Ordinal);
        Dino.Run(["predict", "--data", folder.Path, .. SmallViT.Options, "--out", other]).Failed(1, "weights.pth", "without a classifier", "--linear");
        Dino.Run(["predict", "--data", folder.Path, .. SmallViT.Options, "--linear", SmallViT.Path, "--out", other])
            .Failed(1, "weights.pth", "not the classifier of a linear evaluation");
    }

    /// <summary>The run's classifier as one of the last two blocks.</summary>
    private static string Wider(string run)
    {
        var root = (OrderedDictionary<object, object?>)TorchFile.Read(Path.Combine(run, "linear.pth"))!;
        root["n_last_blocks"] = 2L;
        string path = Path.Combine(run, "wider.pth");
        TorchFile.Write(path, root);
        return path;
    }

    private static TestFolder Coloured(int train, int test)
    {
        TestFolder folder = new();
        foreach (var (set, count) in new[] { ("train", train), ("test", test) })
        {
            folder.WriteClass($"{set}/red", Pictures.Red, count);
            folder.WriteClass($"{set}/blue", Pictures.Blue, count);
            folder.WriteClass($"{set}/green", Pictures.Green, count);
        }

        return folder;
    }

    private static string[] Arguments(string data, string run, params string[] more) =>
    [
        "linear", "--data", data, "--out", run, .. SmallViT.Options, "--batch-size", "4", "--image-size", "32", "--threads", "2", "--log-every", "1",
        .. more.Contains("--lr") ? [] : (string[])["--lr", "0.0001", "1"],
        .. more.Contains("--epochs") ? [] : (string[])["--epochs", "5"],
        "--json", .. more,
    ];
}
