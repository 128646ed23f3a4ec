using System.Globalization;
using DinoSharp.Checkpoints;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>dino self-train: teacher, pseudo-labels, students.</summary>
public sealed class SelfTrainCommandTests
{
    [Fact]
    public void Students_learn_from_what_their_teachers_say()
    {
        using var folder = Coloured();
        string run = Path.Combine(folder.Path, "out");
        var result = Dino.Run(Arguments(folder.Path, run)).Succeeded();
        Assert.True((bool)result.Json["finished"]!);
        var runs = result.Json["runs"]!.AsArray();
        Assert.Equal(["teacher", "student-1", "student-2"], runs.Select(r => Path.GetFileName((string)r!["run"]!)));
        Assert.Equal([0, 16, 16], runs.Select(r => (int)r!["pseudo_labels"]!)); // 8 of each class
        Assert.Equal(100, (double)runs[^1]!["top1"]!);

        string[] lines = File.ReadAllLines(Path.Combine(run, "pseudo-labels-1.csv"));
        Assert.Equal("path,label,confidence,copies", lines[0]);
        var chosen = lines[1..].Select(line => line.Split(',')).ToList();
        Assert.All(chosen, row => Assert.StartsWith(row[1], Path.GetFileName(row[0]), StringComparison.Ordinal)); // red-003.png is red
        Assert.All(chosen, row => Assert.InRange(double.Parse(row[2], CultureInfo.InvariantCulture), 0.5, 1));
        Assert.Equal(8, chosen.Where(row => row[1] == "red").Sum(row => int.Parse(row[3], CultureInfo.InvariantCulture)));
        Assert.Contains(chosen, row => row[1] == "blue" && int.Parse(row[3], CultureInfo.InvariantCulture) > 1); // there are 4 of them

        // The teacher's network stands in its folder as the student's does, and the student is another.
        var (teacher, student) = (WeightsFile.Open(Path.Combine(run, "teacher")), WeightsFile.Open(Path.Combine(run, "student-2")));
        Assert.NotEqual(teacher.Backbone["cls_token"].ToFloat32(), student.Backbone["cls_token"].ToFloat32());

        // The same command has nothing left to do, and other pseudo-labels are another training.
        byte[] latest = File.ReadAllBytes(TinyTraining.Latest(Path.Combine(run, "student-2")));
        Dino.Run(Arguments(folder.Path, run)).Succeeded();
        Assert.Equal(latest, File.ReadAllBytes(TinyTraining.Latest(Path.Combine(run, "student-2"))));
        var other = Dino.Run(Arguments(folder.Path, run, "--hard-labels"));
        Assert.Equal(2, other.ExitCode);
        Assert.Contains("student-1 holds a run of other settings: pseudo_labels was", other.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stopped_self_training_goes_on_and_ends_with_the_bits_of_one_never_stopped()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are POSIX's");
        using var folder = Coloured();
        string whole = Path.Combine(folder.Path, "whole"), stopped = Path.Combine(folder.Path, "stopped");
        string[] more = ["--iterations", "1", "--epochs", "20", "--average-momentum", "0.9"];
        Dino.Run(Arguments(folder.Path, whole, more)).Succeeded();
        foreach (string part in (string[])["teacher", "student-1"])
        {
            using var process = Dino.Start(Arguments(folder.Path, stopped, more));
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            TinyTraining.AwaitSteps(process, Path.Combine(stopped, part), 3);
            ResumeTests.Send("-TERM", process);
            await process.WaitForExitAsync();
            await Task.WhenAll(output, error);
            Assert.Equal(75, process.ExitCode);
        }

        Dino.Run(Arguments(folder.Path, stopped, more)).Succeeded();
        foreach (string part in (string[])["teacher", "student-1"])
        {
            byte[] Latest(string run) => File.ReadAllBytes(TinyTraining.Latest(Path.Combine(run, part)));
            Assert.Equal(Latest(whole), Latest(stopped));
        }

        Assert.Equal(File.ReadAllText(Path.Combine(whole, "pseudo-labels-1.csv")), File.ReadAllText(Path.Combine(stopped, "pseudo-labels-1.csv")));
    }

    [Theory]
    [InlineData("--threshold is in [0, 1), not 1", "--threshold", "1")]
    [InlineData("--iterations is at least 1, not 0", "--iterations", "0")]
    [InlineData("--images-per-class is at least 1, not 0", "--images-per-class", "0")]
    [InlineData("the chance of dropout must be in [0, 1), not 1", "--student-dropout", "1")]
    [InlineData("RandAugment's magnitude is from 0 to 30, not 31", "--rand-augment", "31")]
    public void A_wrong_request_says_what_is_wrong(string words, params string[] arguments)
    {
        using var folder = Coloured();
        var result = Dino.Run(Arguments(folder.Path, Path.Combine(folder.Path, "out"), arguments));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(words, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Images_without_labels_or_that_nothing_is_sure_of_are_named()
    {
        using var folder = Coloured();
        string run = Path.Combine(folder.Path, "out"), pictures = Path.Combine(folder.Path, "pictures");
        string[] mistaken = [.. Arguments(folder.Path, run).Select(word => word == Path.Combine(folder.Path, "labelled") ? pictures : word)];
        var result = Dino.Run(mistaken);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains($"{pictures}: its images have no labels", result.Error, StringComparison.Ordinal);
        var unsure = Dino.Run(Arguments(folder.Path, run, "--threshold", "0.99999", "--lr", "0", "--min-lr", "0", "--epochs", "1"));
        Assert.NotEqual(0, unsure.ExitCode);
        Assert.Contains($"{pictures}: of none of its 16 images", unsure.Error, StringComparison.Ordinal);
        Assert.Contains("lower --threshold", unsure.Error, StringComparison.Ordinal);
    }

    /// <summary>labelled/{train,test}/{red,blue}, and pictures without classes: 12 red ones and 4 blue ones.</summary>
    private static TestFolder Coloured()
    {
        TestFolder folder = new();
        foreach (string set in (string[])["train", "test"])
        {
            folder.WriteClass($"labelled/{set}/red", Pictures.Red, 8);
            folder.WriteClass($"labelled/{set}/blue", Pictures.Blue, 8);
        }

        folder.WriteClass("red", Pictures.Red, 12);
        folder.WriteClass("blue", Pictures.Blue, 4);
        Directory.CreateDirectory(Path.Combine(folder.Path, "pictures"));
        foreach (string color in (string[])["red", "blue"])
        {
            foreach (string file in Directory.GetFiles(Path.Combine(folder.Path, color)))
            {
                File.Move(file, Path.Combine(folder.Path, "pictures", $"{color}-{Path.GetFileName(file)}"));
            }

            Directory.Delete(Path.Combine(folder.Path, color));
        }

        return folder;
    }

    private static string[] Arguments(string data, string run, params string[] more)
    {
        List<string> usual =
        [
            "--epochs", "8", "--mixup", "0", "--cutmix", "0", "--lr", "0.01", "--iterations", "2", "--threshold", "0.5", "--rand-augment", "5",
        ];
        foreach (string option in more.Where(word => word.StartsWith("--", StringComparison.Ordinal) && usual.Contains(word)))
        {
            usual.RemoveRange(usual.IndexOf(option), 2);
        }

        return
        [
            "self-train", "--data", Path.Combine(data, "labelled"), "--unlabelled", Path.Combine(data, "pictures"), "--out", run,
            .. SmallViT.Options, "--batch-size", "4", "--image-size", "32", "--threads", "2", "--log-every", "1", "--json", .. usual, .. more,
        ];
    }
}
