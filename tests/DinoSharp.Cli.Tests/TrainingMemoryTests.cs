using System.Globalization;
using System.Text.RegularExpressions;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>A training says what it will take of memory, does not begin where it cannot fit, and can take less.</summary>
public sealed partial class TrainingMemoryTests
{
    /// <summary>A network whose activations outweigh all else of the process.</summary>
    private static readonly string[] Deep =
    [
        "--arch", "vit_tiny", "--embed-dim", "64", "--depth", "10", "--num-heads", "4", "--patch-size", "4", "--global-crops-size", "64",
        "--local-crops-number", "0", "--head-hidden-dim", "64", "--out-dim", "64", "--batch-size", "16", "--epochs", "1", "--keep-every", "0",
        "--log-every", "1", "--threads", "1", "--precision", "float32",
    ];

    private static readonly string[] Residual =
    [
        "--method", "byol", "--arch", "resnet18", "--resnet-width", "32", "--small-stem", "--global-crops-size", "32", "--hidden-dim", "256",
        "--batch-size", "16", "--epochs", "1", "--keep-every", "0", "--log-every", "1", "--threads", "1", "--precision", "float32",
    ];

    /// <summary>Of less than a gigabyte, up to 0.2 are chance: how threads take turns decides how much of the heap lies idle.</summary>
    [Fact]
    public void The_peak_is_about_as_predicted_and_checkpointing_lowers_it_with_the_same_result()
    {
        using TestFolder folder = TestFolder.OfImages(48);
        var kept = Train(folder, "kept", Deep);
        var checkpointed = Train(folder, "checkpointed", [.. Deep, "--checkpoint-activations"]);
        var residual = Train(folder, "residual", Residual);
        Assert.All((Measured[])[kept, checkpointed, residual], m => Assert.InRange(m.Predicted / m.Peak, 0.65, 1.5));
        Assert.True(checkpointed.Peak < 0.9 * kept.Peak, $"{checkpointed.Peak} GB in place of {kept.Peak}");
        Assert.Equal(kept.Losses, checkpointed.Losses);
    }

    /// <summary>Gigabytes of activations, and more steps.</summary>
    [Fact]
    [Trait("Category", "Slow")]
    public void The_peak_of_a_larger_training_is_within_15_percent_of_the_prediction()
    {
        using TestFolder folder = TestFolder.OfImages(128);
        string[] large = [.. Deep.Select((word, i) => i == 0 ? word : Deep[i - 1] switch { "--batch-size" => "64", "--epochs" => "6", _ => word })];
        var measured = Train(folder, "kept", large);
        Assert.InRange(measured.Predicted / measured.Peak, 0.85, 1.15);
    }

    /// <summary>The kernel's own limit on a process's data stands for a small machine.</summary>
    [Fact]
    public void A_training_that_cannot_fit_is_refused_with_what_would()
    {
        using TestFolder folder = TestFolder.OfImages(300);
        string run = Path.Combine(folder.Path, "run");
        var refused = Limited(folder, run, 256);
        refused.FailedLast(2, "the training needs about", "are free", "--accumulation-steps", "--batch-size");
        Assert.False(Directory.Exists(run));
        int smaller = int.Parse(BatchSize().Match(refused.Error).Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        Assert.InRange(smaller, 2, 128);
    }

    [Fact]
    public void Ranks_of_one_machine_share_what_is_free_there()
    {
        using TestFolder folder = TestFolder.OfImages(8);
        double alone = Free(Dino.Run(TinyTraining.Arguments(folder.Path, Path.Combine(folder.Path, "alone"), 1)));
        double shared = Free(Dino.RunRanks(2, TinyTraining.Arguments(folder.Path, Path.Combine(folder.Path, "shared"), 1)));
        Assert.InRange(shared / alone, 0.3, 0.7); // other programs move

        static double Free(DinoResult result) =>
            double.Parse(Prediction().Match(result.Succeeded().Output).Groups[2].ValueSpan, CultureInfo.InvariantCulture);
    }

    /// <summary>Measuring takes seconds to minutes.</summary>
    [Fact]
    public void The_memory_of_a_finished_training_is_not_measured_again()
    {
        using TestFolder folder = TestFolder.OfImages(8);
        string run = Path.Combine(folder.Path, "run");
        string[] arguments = TinyTraining.Arguments(folder.Path, run, 1);
        Dino.Run(arguments).Succeeded();
        // With less than any step takes: measuring would fail, and there is nothing to measure.
        Assert.Contains("nothing to do", Dino.RunInShell("ulimit -d 420000; exec \"$@\"", arguments).Succeeded().Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_keeps_the_batch_that_was_found_for_it()
    {
        using TestFolder folder = TestFolder.OfImages(24);
        string run = Path.Combine(folder.Path, "run");
        string[] arguments = TinyTraining.Arguments(folder.Path, run, 1, "--batch-size", "auto");
        Assert.Contains("--batch-size 8 (auto): what is useful, and it fits", Dino.Run(arguments).Succeeded().Output, StringComparison.Ordinal);

        // As if the machine had had less memory then.
        Directory.Delete(run, recursive: true);
        Dino.Run(TinyTraining.Arguments(folder.Path, run, 1, "--batch-size", "4")).Succeeded();
        string again = Dino.Run(arguments).Succeeded().Output;
        Assert.Contains("nothing to do", again, StringComparison.Ordinal);
    }

    private static DinoResult Limited(TestFolder folder, string run, int batchSize)
    {
        string[] options = [.. Deep];
        options[Array.IndexOf(options, "--batch-size") + 1] = batchSize.ToString(CultureInfo.InvariantCulture);
        options[Array.IndexOf(options, "--epochs") + 1] = "1";
        return Dino.RunInShell("ulimit -d 1800000; exec \"$@\"", ["train", "--data", folder.Path, "--out", run, .. options]);
    }

    private static Measured Train(TestFolder folder, string name, string[] options)
    {
        string run = Path.Combine(folder.Path, name);
        using var process = Dino.Start(["train", "--data", folder.Path, "--out", run, .. options]);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        long peak = Dino.PeakMemory(process);
        Assert.True(process.ExitCode == 0, output.GetAwaiter().GetResult() + error.GetAwaiter().GetResult());
        double predicted = double.Parse(Prediction().Match(output.GetAwaiter().GetResult()).Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        return new Measured(predicted, peak / 1e9, [.. TinyTraining.Steps(run).Select(line => line["loss"]!.GetValue<double>())]);
    }

    [GeneratedRegex("memory: about ([0-9.]+) GB of ([0-9.]+) GB free")]
    private static partial Regex Prediction();

    [GeneratedRegex("--batch-size ([0-9]+) ")]
    private static partial Regex BatchSize();

    /// <param name="Predicted">GB</param>
    /// <param name="Peak">GB</param>
    /// <param name="Losses">of the steps</param>
    private sealed record Measured(double Predicted, double Peak, IReadOnlyList<double> Losses);
}
