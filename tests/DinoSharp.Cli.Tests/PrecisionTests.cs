using System.Text.Json.Nodes;
using DinoSharp.Models;
using DinoSharp.Models.Layers;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>--precision is part of a run: what was begun in one goes on in it, whatever the machine would choose.</summary>
public sealed class PrecisionTests
{
    [Fact]
    public void What_nobody_names_is_what_the_device_does_well_and_is_told()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 2 * TinyTraining.Batch), run = Path.Combine(folder.Path, "run");
        var (best, reason) = PrecisionSupport.Best(TorchRuntime.ParseDevice("cpu"));
        string word = best.ToString().ToLowerInvariant();
        var result = Dino.Run(TinyTraining.Arguments(data, run, 1, "--precision", "auto")).Succeeded();
        Assert.Contains($"--precision {word}: {reason}\n", result.Output + result.Error, StringComparison.Ordinal);
        Assert.Equal(best == Precision.Float32 ? null : word, PrecisionOf(run));
        Assert.Equal(0, Dino.Run(TinyTraining.Arguments(data, run, 1, "--precision", word)).ExitCode);
    }

    [Theory]
    [InlineData("float32", null)]
    [InlineData("bf16", "bf16")]
    [InlineData("fp16", "fp16")]
    public void A_run_keeps_what_it_began_with(string precision, string? kept)
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 2 * TinyTraining.Batch), run = Path.Combine(folder.Path, "run");
        Dino.Run(TinyTraining.Arguments(data, run, 2, "--precision", precision)).Succeeded();
        Assert.Equal(kept, PrecisionOf(run));
        Assert.Equal(precision == "fp16", TinyTraining.Metrics(run).First().ContainsKey("loss_scale"));
        byte[] before = File.ReadAllBytes(TinyTraining.Latest(run));

        Dino.Run(TinyTraining.Arguments(data, run, 2, "--precision", "auto")).Succeeded(); // goes on and finds it finished
        Assert.Equal(before, File.ReadAllBytes(TinyTraining.Latest(run)));
        var refused = Dino.Run(TinyTraining.Arguments(data, run, 2, "--precision", precision == "bf16" ? "fp16" : "bf16"));
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("training.precision", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_references_option_turns_it_off()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 2 * TinyTraining.Batch), run = Path.Combine(folder.Path, "run");
        string[] unnamed = [.. TinyTraining.Arguments(data, run, 1).Where(word => word is not ("--precision" or "float32"))];
        Dino.Run([.. unnamed, "--use_fp16", "false"]).Succeeded();
        Assert.Null(PrecisionOf(run));
    }

    private static string? PrecisionOf(string run) =>
        (string?)JsonNode.Parse(File.ReadAllText(Path.Combine(run, "run.json")))!["settings"]!["training.precision"];
}
