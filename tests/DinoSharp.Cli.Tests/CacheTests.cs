using System.Diagnostics;
using System.Text.RegularExpressions;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>--cache: what was computed before a kill is not computed again, and nothing else is taken for it.</summary>
public sealed partial class CacheTests : IDisposable
{
    private const int Images = 1500; // 1,200 to train and 300 to test; a part has 512

    private readonly TestFolder _folder = new();

    public CacheTests()
    {
        _folder.WriteClass("set/blue", Pictures.Blue, Images / 2);
        _folder.WriteClass("set/red", Pictures.Red, (Images / 2) - 1);
        _folder.WriteText("set/red/damaged.png", "no image");
    }

    private string Set => Path.Combine(_folder.Path, "set");

    private string Cache => Path.Combine(_folder.Path, "cache");

    [Fact]
    public void K_NN_killed_in_the_middle_goes_on_and_ends_as_one_never_stopped()
    {
        string[] knn = ["knn", "--data", Set, .. SmallViT.Options, "--image-size", "96", "--nb-knn", "5", "--json"];
        var whole = Dino.Run(knn).Succeeded();
        Assert.Contains("with --cache FOLDER", whole.Error, StringComparison.Ordinal);
        string[] cached = [.. knn, "--cache", Cache];
        KillAfterFirstPart(cached);
        string first = Assert.Single(Directory.GetFiles(Cache, "000000000.safetensors", SearchOption.AllDirectories));
        Assert.Single(Directory.GetDirectories(Cache)); // the training images'; the test ones come behind them
        var written = File.GetLastWriteTimeUtc(first);

        var resumed = Dino.Run(cached).Succeeded();

        Assert.Equal(whole.Output, resumed.Output);
        Assert.Matches("train: (512|1,024) of 1,200 images were done before", resumed.Error);
        Assert.DoesNotContain("test: 300 of", resumed.Error, StringComparison.Ordinal);
        Assert.Equal(written, File.GetLastWriteTimeUtc(first));
        Assert.Contains("damaged.png", (string)Assert.Single(resumed.Json["skipped"]!.AsArray())!["name"]!, StringComparison.Ordinal);
        var again = Dino.Run(cached).Succeeded();
        Assert.Equal(whole.Output, again.Output);
        Assert.Equal(["train: 1,200 of 1,200", "test: 300 of 300"], DoneBefore(again));

        // A part that lies between others is computed alone; one that is damaged is named.
        byte[] bytes = File.ReadAllBytes(first);
        File.Delete(first);
        Assert.Equal(whole.Output, Dino.Run(cached).Succeeded().Output);
        Assert.Equal(bytes, File.ReadAllBytes(first));
        bytes[^5] ^= 1;
        File.WriteAllBytes(first, bytes);
        Dino.Run(cached).FailedLast(1, first, "damaged", "delete it");
        File.Delete(first);

        // Of other heads, sizes and pixels nothing is known.
        string[] heads = [.. cached.Select((argument, i) => i > 0 && cached[i - 1] == "--num-heads" ? "4" : argument)];
        Assert.NotEqual(cached, heads);
        Assert.Empty(DoneBefore(Dino.Run(heads).Succeeded()));
        Assert.Empty(DoneBefore(Dino.Run([.. cached, "--resize", "96"]).Succeeded()));
        _folder.Write("set/blue/000.png", Pictures.Noisy(Pictures.Green, 7)); // of the training
        Assert.Equal(["test: 300 of 300"], DoneBefore(Dino.Run(cached).Succeeded()));
    }

    [Fact]
    public void Cached_linear_evaluation_and_embed_end_as_without_a_cache()
    {
        string[] linear = ["linear", "--data", Set, .. SmallViT.Options, "--cached", "--image-size", "32", "--epochs", "2", "--json"];
        Dino.Run([.. linear, "--out", Run("whole")]).Succeeded();
        Assert.Empty(DoneBefore(Dino.Run([.. linear, "--out", Run("first"), "--cache", Cache]).Succeeded()));
        File.Delete(Assert.Single(Directory.GetFiles(Cache, "000001024.safetensors", SearchOption.AllDirectories)));
        var resumed = Dino.Run([.. linear, "--out", Run("resumed"), "--cache", Cache]).Succeeded();
        Assert.Equal(["train: 1,024 of 1,200", "test: 300 of 300"], DoneBefore(resumed));
        Assert.Equal(Classifier("whole"), Classifier("first"));
        Assert.Equal(Classifier("whole"), Classifier("resumed"));
        var other = Dino.Run([.. linear, "--out", Run("other"), "--cache", Cache, "--n-last-blocks", "1"]).Succeeded();
        Assert.Empty(DoneBefore(other));
        Dino.Run([.. linear[..^1], "--out", Run("other"), "--cache", Run("other/features")]).Failed(2, "--cache", "the run folder");
        Dino.Run([.. linear.Where(word => word is not "--cached" and not "--json"), "--out", Run("other"), "--cache", Cache]).Failed(2, "--cached");

        string[] embed = ["embed", "--data", Set, .. SmallViT.Options, "--image-size", "32"];
        Dino.Run([.. embed, "--out", Run("whole.safetensors")]).Succeeded();
        Dino.Run([.. embed, "--out", Run("kept.safetensors"), "--cache", Cache]).Succeeded();
        var kept = Dino.Run([.. embed, "--out", Run("again.safetensors"), "--cache", Cache]).Succeeded();
        Assert.Contains("embed: 1,500 of 1,500 images were done before", kept.Output, StringComparison.Ordinal);
        Assert.Contains("1 of 1,500 images could not be used", kept.Output, StringComparison.Ordinal);
        byte[] expected = File.ReadAllBytes(Run("whole.safetensors"));
        Assert.Equal(expected, File.ReadAllBytes(Run("kept.safetensors")));
        Assert.Equal(expected, File.ReadAllBytes(Run("again.safetensors")));

        byte[] Classifier(string run) => File.ReadAllBytes(Path.Combine(Run(run), "linear.pth"));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_refused_before_any_work()
    {
        string file = _folder.WriteText("file", "");
        Dino.Run(["knn", "--data", Set, .. SmallViT.Options, "--cache", file]).Failed(1, file, "name another folder");
    }

    public void Dispose() => _folder.Dispose();

    private string Run(string name) => Path.Combine(_folder.Path, name);

    private void KillAfterFirstPart(string[] arguments)
    {
        using var process = Dino.Start(arguments);
        var patience = Stopwatch.StartNew();
        while (!Directory.Exists(Cache) || Directory.GetFiles(Cache, "*.safetensors", SearchOption.AllDirectories).Length == 0)
        {
            Assert.False(process.HasExited, "it ended before it was killed");
            Assert.True(patience.Elapsed < TimeSpan.FromMinutes(5), "no part was written");
            Thread.Sleep(1);
        }

        process.Kill();
        process.WaitForExit();
    }

    private static IEnumerable<string> DoneBefore(DinoResult result) => DoneBefore().Matches(result.Error).Select(match => match.Groups[1].Value);

    [GeneratedRegex("(\\w+: [\\d,]+ of [\\d,]+) images were done before")]
    private static partial Regex DoneBefore();
}
