using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>What a newcomer reads.</summary>
public sealed class HelpTests
{
    /// <summary>
    /// After a wanted change: dino train --help > tests/DinoSharp.Cli.Tests/fixtures/train-help.txt, and N for the threads.
    /// </summary>
    [Fact]
    public void The_help_of_train_is_the_one_last_agreed_on()
    {
        string help = Dino.Run("train", "--help").Succeeded().Output.Replace(
            $"(default {Environment.ProcessorCount})\n  --fault-share", "(default N)\n  --fault-share", StringComparison.Ordinal);
        Assert.Equal(File.ReadAllText(Golden.PathOf("train-help.txt")), help, ignoreLineEndingDifferences: true);
    }

    [Fact]
    public void Every_verb_has_help_without_what_it_requires()
    {
        string[] verbs =
        [
            "demo", "train", "compare", "data", "knn", "linear", "finetune", "self-train", "predict", "retrieval", "copy-detection", "embed", "attention",
            "segment-video", "davis", "report", "models", "inspect", "convert",
        ];
        Assert.All(verbs, verb => Assert.Contains("--device", Dino.Run(verb, "--help").Succeeded().Output, StringComparison.Ordinal));
        Assert.All(verbs, verb => Assert.Contains($"\n  {verb} ", Dino.Run("--help").Succeeded().Output, StringComparison.Ordinal));
    }

    [Fact]
    public void No_line_of_it_is_broken_by_a_window_of_120_columns() =>
        Assert.All(Dino.Run("train", "--help").Output.Split('\n'), line => Assert.InRange(line.Length, 0, 119));
}
