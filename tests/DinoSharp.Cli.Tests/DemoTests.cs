using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>What the README's first command promises.</summary>
[Trait("Category", "Slow")] // it is the whole demo: minutes
public sealed class DemoTests
{
    [Fact]
    public void What_is_learned_is_clearly_ahead_of_both_baselines_and_the_report_needs_nothing_else()
    {
        using TestFolder folder = new();
        var result = Dino.Run("demo", "--out", folder.Path, "--json").Succeeded().Json;

        var scores = result["knn_top1"]!.AsObject();
        double learned = (double)scores["learned features"]!;
        Assert.InRange((double)scores["untrained network"]!, 0, learned - 3);
        Assert.InRange((double)scores["raw pixels"]!, 0, learned - 3);

        string page = File.ReadAllText((string)result["report"]!);
        Assert.DoesNotContain("http", page, StringComparison.Ordinal);
        Assert.All(["What was learned", "<polyline", "Nearest neighbours", "Attention"], part => Assert.Contains(part, page, StringComparison.Ordinal));
    }
}
