using System.Text.Json.Nodes;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>Methods side by side, through the command line.</summary>
public sealed class CompareCommandTests
{
    private static readonly string[] Small =
    [
        "--", "--embed-dim", "24", "--depth", "2", "--num-heads", "3", "--resnet-width", "4", "--local-crops-number", "2", "--batch-size", "4",
        "--log-every", "1",
    ];

    [Fact]
    public void Each_method_is_trained_as_long_and_scored_and_what_is_done_is_not_done_again()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 20), all = Path.Combine(folder.Path, "all");
        var both = Compare(data, all, ["dino", "byol"], ["vit_tiny", "resnet18"], "8");
        Assert.Equal(
            ["untrained", "DINO", "BYOL", "untrained", "DINO", "BYOL"], both["results"]!.AsArray().Select(result => (string)result!["method"]!));
        Assert.All(both["results"]!.AsArray().Where(result => (string)result!["method"]! != "untrained"), result =>
        {
            Assert.Equal((2, 8L), ((int)result!["epochs"]!, (long)result["steps"]!)); // 16 images to learn from, batches of 4
            Assert.Contains(" --device cpu ", (string)result["command"]!, StringComparison.Ordinal);
            Assert.InRange((double)result["knn_top1"]!, 0, 100);
            Assert.InRange((double)result["linear_top1"]!, 0, 100);
        });
        string page = File.ReadAllText((string)both["page"]!);
        Assert.All(["BYOL: loss", "DINO: loss", "dino train --method byol"], part => Assert.Contains(part, page, StringComparison.Ordinal));
        Assert.Contains("| BYOL |", File.ReadAllText(Path.Combine(all, "comparison.md")), StringComparison.Ordinal);

        // One method first, the other later: the same table, and the first is not trained again.
        string later = Path.Combine(folder.Path, "later");
        Compare(data, later, ["byol"], ["vit_tiny"], "8");
        string trained = TinyTraining.Latest(Path.Combine(later, "vit_tiny-byol"));
        var written = File.GetLastWriteTimeUtc(trained);
        var added = Compare(data, later, ["dino", "byol"], ["vit_tiny"], "8");
        Assert.Equal(written, File.GetLastWriteTimeUtc(trained));
        Assert.Equal(
            both["results"]!.AsArray().Take(3).Select(Scores), added["results"]!.AsArray().Select(Scores));

        Dino.Run(Arguments(data, later, ["byol"], ["vit_tiny"], "80")).Failed(2, "other steps", "--out");
    }

    /// <summary>The broken image is one of those to learn from: a batch of them all would be one too large for the classifiers.</summary>
    [Fact]
    public async Task A_broken_image_is_left_out_and_a_stop_while_the_untrained_network_is_scored_keeps_no_result_of_it()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are POSIX's");
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 20), run = Path.Combine(folder.Path, "run"), untrained = Path.Combine(run, "vit_tiny-untrained");
        folder.Write("data/even/000a.png", []);
        using var process = Dino.Start(
            [.. Arguments(data, run, ["byol"], ["vit_tiny"], "4", linearEpochs: "100000"), "--fault-share", "0.2"]);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        TinyTraining.AwaitSteps(process, Path.Combine(untrained, "linear"), 1);
        ResumeTests.Send("-TERM", process);
        await process.WaitForExitAsync();
        await Task.WhenAll(output, error);
        Assert.True(process.ExitCode == 75, await error);
        Assert.False(File.Exists(Path.Combine(untrained, "comparison.json")));
    }

    [Fact]
    public void A_wrong_request_says_what_is_wrong()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 20), run = Path.Combine(folder.Path, "run");
        Dino.Run("compare", "--data", data, "--out", run).Failed(2, "--minutes", "--steps");
        Dino.Run("compare", "--out", run, "--steps", "1").Failed(2, "--data is missing");
        Dino.Run("compare", "--data", data, "--out", run, "--steps", "1", "--methods", "nope").Failed(2, "nope", "byol");
        Dino.Run([.. Arguments(data, run, ["byol"], ["vit_tiny"], "1"), "--accumulation-steps", "2"]).Failed(2, "byol", "--accumulation-steps");
        Dino.Run("compare", "--data", data, "--out", Path.Combine(folder.Path, "other"), "--steps", "1", "--", "--no-such-option", "1").Failed(2, "--no-such-option");
        Assert.False(Directory.Exists(Path.Combine(run, "vit_small-dino")));
    }

    private static (string, double, double) Scores(JsonNode? result) =>
        ((string)result!["method"]!, (double)result["knn_top1"]!, (double)result["linear_top1"]!);

    private static JsonObject Compare(string data, string run, string[] methods, string[] networks, string steps) =>
        Dino.Run([.. Arguments(data, run, methods, networks, steps)]).Succeeded().Json.AsObject();

    private static string[] Arguments(string data, string run, string[] methods, string[] networks, string steps, string linearEpochs = "2") =>
    [
        "compare", "--data", data, "--out", run, "--methods", .. methods, "--archs", .. networks, "--steps", steps,
        "--linear-epochs", linearEpochs, "--device", "cpu", "--json", .. Small,
    ];
}
