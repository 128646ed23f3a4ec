using System.Globalization;
using DinoSharp.Checkpoints;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>dino finetune, and what is done with the network it leaves.</summary>
public sealed class FinetuneCommandTests
{
    [Fact]
    public void A_network_learns_classes_and_is_used_by_the_other_verbs()
    {
        using var folder = Coloured(train: 16, test: 5);
        string run = Path.Combine(folder.Path, "run");
        var result = Dino.Run(Arguments(folder.Path, run)).Succeeded();
        Assert.Equal(100, (double)result.Json["top1"]!);
        string[] lines = File.ReadAllLines(Path.Combine(run, "predictions.csv"));
        Assert.Equal("path,label,prediction,probability,blue,red", lines[0]);
        Assert.Equal(10, lines.Length - 1);
        Assert.All(lines[1..], line => Assert.Equal(line.Split(',')[1], line.Split(',')[2]));

        // The same network says the same of the same pictures, read from its file.
        string csv = Path.Combine(folder.Path, "again.csv");
        Dino.Run("predict", "--data", folder.Path, "--split", "test", "--weights", run, "--out", csv).Succeeded();
        Assert.Equal(lines.Select(Rounded), File.ReadAllLines(csv).Select(Rounded));
        var knn = Dino.Run("knn", "--data", folder.Path, "--weights", run, "--nb-knn", "5", "--json").Succeeded();
        Assert.Equal(100, (double)knn.Json["scores"]![0]!["top1"]!);

        // PyTorch users find DeiT's names.
        var model = (OrderedDictionary<object, object?>)((OrderedDictionary<object, object?>)TorchFile.Read(TinyTraining.Latest(run))!)["model"]!;
        Assert.Contains("head.weight", model.Keys);
        Assert.Contains("blocks.0.attn.qkv.weight", model.Keys);
    }

    [Fact]
    public async Task A_stopped_training_goes_on_and_ends_with_the_bits_of_one_never_stopped()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are POSIX's");
        using var folder = Coloured(train: 16, test: 5);
        string whole = Path.Combine(folder.Path, "whole"), stopped = Path.Combine(folder.Path, "stopped");
        string[] demanding = ["--mixup", "0.8", "--cutmix", "1", "--drop-path-rate", "0.3", "--average-momentum", "0.9", "--epochs", "30"];
        Dino.Run(Arguments(folder.Path, whole, demanding)).Succeeded();
        using (var process = Dino.Start(Arguments(folder.Path, stopped, demanding)))
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            TinyTraining.AwaitSteps(process, stopped, 4);
            ResumeTests.Send("-TERM", process);
            await process.WaitForExitAsync();
            await Task.WhenAll(output, error);
            Assert.Equal(75, process.ExitCode);
        }

        Dino.Run(Arguments(folder.Path, stopped, demanding)).Succeeded();
        Assert.Equal(File.ReadAllBytes(TinyTraining.Latest(whole)), File.ReadAllBytes(TinyTraining.Latest(stopped)));
        Assert.Equal(File.ReadAllText(Path.Combine(whole, "predictions.csv")), File.ReadAllText(Path.Combine(stopped, "predictions.csv")));
    }

    [Fact]
    public void From_scratch_only_the_shape_is_taken()
    {
        using var folder = Coloured(train: 4, test: 2);
        string[] still = ["--lr", "0", "--min-lr", "0", "--epochs", "1"];
        string tuned = Path.Combine(folder.Path, "tuned"), scratch = Path.Combine(folder.Path, "scratch");
        Dino.Run(Arguments(folder.Path, tuned, still)).Succeeded();
        Dino.Run(Arguments(folder.Path, scratch, [.. still, "--from-scratch"])).Succeeded();
        var (given, kept, renewed) = (WeightsFile.Open(SmallViT.Path), WeightsFile.Open(tuned), WeightsFile.Open(scratch));
        Assert.Equal(given.Backbone.Names, kept.Backbone.Names);
        Assert.Equal(given.Backbone["cls_token"].ToFloat32(), kept.Backbone["cls_token"].ToFloat32());
        Assert.Equal(given.Backbone.Names, renewed.Backbone.Names);
        Assert.NotEqual(given.Backbone["cls_token"].ToFloat32(), renewed.Backbone["cls_token"].ToFloat32());
    }

    [Theory]
    [InlineData("label smoothing must be in [0, 1)", "--label-smoothing", "1")]
    [InlineData("the decay from layer to layer must be in (0, 1]", "--layer-decay", "0")]
    [InlineData("the alphas of mixup and CutMix cannot be negative", "--mixup", "-1")]
    [InlineData("cannot be cut into 3 equal parts", "--accumulation-steps", "3")]
    public void A_wrong_request_says_what_is_wrong(string words, params string[] arguments)
    {
        using var folder = Coloured(train: 4, test: 2);
        var result = Dino.Run(Arguments(folder.Path, Path.Combine(folder.Path, "run"), arguments));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(words, result.Error, StringComparison.Ordinal);
    }

    private static string Rounded(string line) => string.Join(',', line.Split(',').Select(word =>
        double.TryParse(word, CultureInfo.InvariantCulture, out double number) ? number.ToString("F4", CultureInfo.InvariantCulture) : word));

    private static TestFolder Coloured(int train, int test)
    {
        TestFolder folder = new();
        foreach (var (set, count) in new[] { ("train", train), ("test", test) })
        {
            folder.WriteClass($"{set}/red", Pictures.Red, count);
            folder.WriteClass($"{set}/blue", Pictures.Blue, count);
        }

        return folder;
    }

    private static string[] Arguments(string data, string run, params string[] more)
    {
        string[] usual = ["--epochs", "6", "--mixup", "0", "--cutmix", "0", "--lr", "0.01"];
        List<string> words = [.. usual];
        foreach (string option in more.Where(word => word.StartsWith("--", StringComparison.Ordinal) && words.Contains(word)))
        {
            words.RemoveRange(words.IndexOf(option), 2);
        }

        return
        [
            "finetune", "--data", data, "--out", run, .. SmallViT.Options, "--batch-size", "4", "--image-size", "32", "--threads", "2",
            "--log-every", "1", "--json", .. words, .. more,
        ];
    }
}
