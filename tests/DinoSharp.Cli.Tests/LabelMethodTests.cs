using System.Text.Json.Nodes;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>Methods of "dino train" that learn from labels or from a trained network, and what is done with what they leave.</summary>
public sealed class LabelMethodTests
{
    private static readonly string[] Small =
    [
        "--arch", "vit_tiny", "--embed-dim", "32", "--depth", "1", "--num-heads", "2", "--patch-size", "8", "--global-crops-size", "16",
        "--batch-size", "4", "--threads", "1", "--log-every", "1", "--lr", "0.05", "--drop-path-rate", "0",
    ];

    [Fact]
    public void A_classifier_is_trained_with_labels_and_a_smaller_one_learns_from_it_without()
    {
        using var folder = Coloured();
        string teacher = Path.Combine(folder.Path, "teacher"), student = Path.Combine(folder.Path, "student");
        Dino.Run(["train", "--method", "supervised", "--data", Data(folder, "labelled"), "--out", teacher, "--epochs", "10", .. Small]).Succeeded();
        Assert.Equal(100, Top1(folder, teacher));
        Dino.Run(
        [
            "train", "--method", "distillation", "--teacher-weights", teacher, "--data", Data(folder, "pictures"), "--out", student, "--epochs", "10",
            .. Small.Select(word => word == "32" ? "16" : word),
        ]).Succeeded();
        Assert.Equal(100, Top1(folder, student));
        var settings = JsonNode.Parse(File.ReadAllText(Path.Combine(student, "run.json")))!["settings"]!.AsObject();
        Assert.Contains("values ", (string)settings["teacher"]!, StringComparison.Ordinal);
        Assert.DoesNotContain(settings, entry => entry.Value?.ToJsonString().Contains(folder.Path, StringComparison.Ordinal) ?? false);
    }

    [Theory]
    [InlineData("instance", "--hidden-dim", "16")]
    [InlineData("instance-memory", "--negatives", "8")]
    public void A_class_an_image_needs_no_labels(string method, params string[] more)
    {
        using var folder = Coloured();
        string run = Path.Combine(folder.Path, "run");
        Dino.Run(["train", "--method", method, "--data", Data(folder, "pictures"), "--out", run, "--epochs", "2", .. Small, .. more]).Succeeded();
        Dino.Run("knn", "--data", Data(folder, "labelled"), "--weights", run, "--nb-knn", "3").Succeeded();
    }

    [Fact]
    public void What_is_missing_is_told_in_a_line_that_names_it()
    {
        using var folder = Coloured();
        string pictures = Data(folder, "pictures"), run = Path.Combine(folder.Path, "run"), missing = Path.Combine(folder.Path, "missing.pth");
        Train("supervised").FailedLast(1, pictures, "16 of 16 images have no label");
        Train("distillation").FailedLast(2, "--teacher-weights is missing");
        Train("distillation", "--teacher-weights", missing).FailedLast(1, missing);
        Train("distillation", "--teacher-weights", SmallViT.Path).FailedLast(2, SmallViT.Path, "holds a backbone without a classifier");
        Assert.False(Directory.Exists(run));

        DinoResult Train(string method, params string[] more) =>
            Dino.Run(["train", "--method", method, "--data", pictures, "--out", run, .. Small, .. more]);
    }

    private static double Top1(TestFolder folder, string run)
    {
        string said = Path.Combine(folder.Path, "said.csv");
        return (double)Dino.Run("predict", "--data", Data(folder, "labelled"), "--weights", run, "--out", said, "--json").Succeeded().Json["top1"]!;
    }

    private static string Data(TestFolder folder, string name) => Path.Combine(folder.Path, name);

    /// <summary>labelled/{red,blue}, and the same without classes.</summary>
    private static TestFolder Coloured()
    {
        TestFolder folder = new();
        foreach (var (name, color) in new[] { ("red", Pictures.Red), ("blue", Pictures.Blue) })
        {
            for (int i = 0; i < 8; i++)
            {
                folder.Write($"labelled/{name}/{i}.png", Pictures.Noisy(color, i));
                folder.Write($"pictures/{name}-{i}.png", Pictures.Noisy(color, i));
            }
        }

        return folder;
    }
}
