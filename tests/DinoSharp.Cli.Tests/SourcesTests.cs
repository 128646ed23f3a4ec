using System.Formats.Tar;
using System.Globalization;
using System.Text;
using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>Trainings on what is not a folder of tidy files.</summary>
public sealed class SourcesTests
{
    [Fact]
    public void Shards_are_streamed_alike_with_any_number_of_threads_and_after_a_kill()
    {
        using TestFolder folder = new();
        string data = WriteShards(folder, shards: 4, each: 5);
        string[] runs = [.. new[] { "one", "many", "killed" }.Select(name => Path.Combine(folder.Path, name))];
        string[] streamed = ["--shuffle-buffer", "6", "--save-minutes", "0"];
        Dino.Run(TinyTraining.Arguments(data, runs[0], 6, [.. streamed, "--threads", "1"])).Succeeded();
        Dino.Run(TinyTraining.Arguments(data, runs[1], 6, [.. streamed, "--threads", "5"])).Succeeded();
        using (var process = Dino.Start(TinyTraining.Arguments(data, runs[2], 6, [.. streamed, "--threads", "3"])))
        {
            TinyTraining.AwaitSteps(process, runs[2], 7); // within the second epoch of five steps
            process.Kill();
            process.WaitForExit();
        }

        Dino.Run(TinyTraining.Arguments(data, runs[2], 6, [.. streamed, "--threads", "3"])).Succeeded();
        byte[] expected = File.ReadAllBytes(TinyTraining.Latest(runs[0]));
        Assert.All(runs, run => Assert.Equal(expected, File.ReadAllBytes(TinyTraining.Latest(run))));
    }

    [Fact]
    public void Several_sources_are_joined_by_weight_and_a_share_of_each_can_be_taken()
    {
        using TestFolder folder = new();
        string many = TinyTraining.WriteImages(folder, 24, "many"), few = TinyTraining.WriteImages(folder, 4, "few");
        string run = Path.Combine(folder.Path, "run");
        var result = Dino.Run(TinyTraining.Arguments(many, run, 1, "--data", few, "--data-weights", "1", "1", "--json")).Succeeded();
        Assert.Equal(48 / TinyTraining.Batch, (int)result.Json["steps"]!); // the few images are shown six times each

        var half = Dino.Run("data", many, "--split", "[:50%]", "--json").Succeeded();
        var rest = Dino.Run("data", many, "--split", "[50%:]", "--json").Succeeded();
        Assert.Equal(24, (int)half.Json["images"]! + (int)rest.Json["images"]!);
        Assert.InRange((int)half.Json["images"]!, 4, 20);
        Dino.Run(TinyTraining.Arguments(many, run, 1, "--data", few, "--data-weights", "1")).Failed(2, "--data-weights", "1", "2");
        Dino.Run(TinyTraining.Arguments(many, run, 1, "--data", few, "--data-weights", "1", "-1")).Failed(2, "--data-weights");
    }

    [Fact]
    public async Task Files_that_vanish_or_change_while_it_trains_are_named_and_others_take_their_places()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 24), run = Path.Combine(folder.Path, "run");
        using var process = Dino.Start(TinyTraining.Arguments(data, run, 40, "--fault-share", "0.2"));
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        TinyTraining.AwaitSteps(process, run, 2);
        File.Delete(Path.Combine(data, "even", "000.png"));
        File.WriteAllText(Path.Combine(data, "odd", "001.png"), "no image any more");
        File.WriteAllBytes(Path.Combine(data, "odd", "003.png"), []);
        await process.WaitForExitAsync();
        string told = await output;
        Assert.Equal((0, ""), (process.ExitCode, await error));
        Assert.Contains("3 of 24 images could not be used and others took their places", told, StringComparison.Ordinal);
        Assert.All(["000.png", "001.png", "003.png"], name => Assert.Contains(name, told, StringComparison.Ordinal));
        Assert.Equal(240, TinyTraining.Steps(run).Length);
    }

    [Fact]
    public async Task A_shard_that_vanishes_while_it_trains_is_told_once_and_costs_the_report_at_most()
    {
        using TestFolder folder = new();
        string data = WriteShards(folder, shards: 8, each: 4), run = Path.Combine(folder.Path, "run");
        using var process = Dino.Start(TinyTraining.Arguments(data, run, 60, "--fault-share", "0.3", "--shuffle-buffer", "2"));
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        TinyTraining.AwaitSteps(process, run, 2);
        File.Delete(Path.Combine(folder.Path, "data-0005.tar"));
        await process.WaitForExitAsync();
        string told = await output;
        Assert.Equal((0, ""), (process.ExitCode, await error));
        Assert.Contains("4 of 32 images could not be used", told, StringComparison.Ordinal);
        Assert.Single(told.Split('\n'), line => line.Contains("data-0005.tar", StringComparison.Ordinal) && line.Contains("(4 images)", StringComparison.Ordinal));
        Assert.Contains("no report can be written: ", told, StringComparison.Ordinal);
        Assert.Contains($"done: {TinyTraining.Latest(run)}", told, StringComparison.Ordinal);
        Assert.Equal(480, TinyTraining.Steps(run).Length);
    }

    [Fact]
    public void A_missing_shard_is_told_and_too_many_of_them_are_refused()
    {
        using TestFolder folder = new();
        WriteShards(folder, shards: 30, each: 2);
        File.Delete(Path.Combine(folder.Path, "data-0007.tar"));
        string data = Path.Combine(folder.Path, "data-{0000..0029}.tar"), run = Path.Combine(folder.Path, "run");
        var result = Dino.Run(TinyTraining.Arguments(data, run, 1)).Succeeded();
        Assert.Contains("data-0007.tar", result.Output, StringComparison.Ordinal);
        var embedded = Dino.Run("embed", "--data", data, "--weights", run, "--out", Path.Combine(folder.Path, "f.npy")).Succeeded();
        var compared = Dino.Run("knn", "--data", data, "--raw-pixels").Succeeded();
        Assert.All([embedded, compared], other => Assert.Single(other.Output.Split('\n'), line => line.Contains("data-0007.tar", StringComparison.Ordinal)));
        for (int shard = 10; shard < 20; shard++)
        {
            File.Delete(Path.Combine(folder.Path, $"data-00{shard}.tar"));
        }

        Dino.Run(TinyTraining.Arguments(data, Path.Combine(folder.Path, "other"), 1)).Failed(1, "data-0007.tar");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void Images_of_other_than_three_channels_go_through_training_report_and_features(int channels)
    {
        using TestFolder folder = new();
        for (int i = 0; i < 8; i++)
        {
            folder.Write($"data/{i % 2}/{i}.{(channels == 1 ? "png" : "npy")}", channels == 1 ? TestFolder.Png(i, 40, 36) : Bands(i, channels));
        }

        string data = Path.Combine(folder.Path, "data"), run = Path.Combine(folder.Path, "run"), features = Path.Combine(folder.Path, "f.npy");
        string count = channels.ToString(CultureInfo.InvariantCulture);
        var trained = Dino.Run(TinyTraining.Arguments(data, run, 2, "--channels", count, "--knn-every", "1")).Succeeded();
        Assert.DoesNotContain("could not be used", trained.Output, StringComparison.Ordinal);
        Assert.Contains("Nearest neighbours", File.ReadAllText(Path.Combine(run, "report.html")), StringComparison.Ordinal);
        Assert.Contains("Attention", File.ReadAllText(Path.Combine(run, "report.html")), StringComparison.Ordinal);
        Assert.Equal(8, (int)Dino.Run("embed", "--data", data, "--weights", run, "--out", features, "--json").Succeeded().Json["images"]!);
        Assert.Equal(channels, (int)Dino.Run("inspect", run, "--json").Succeeded().Json["backbone"]!["channels"]!);
        Dino.Run("attention", data, "--weights", run, "--out", Path.Combine(folder.Path, "maps")).Succeeded();
        if (channels == 1)
        {
            string mask = folder.Write("mask.png", IndexedPng.Encode(new IndexedImage(40, 36, [.. Enumerable.Repeat((byte)1, 40 * 36)])));
            Dino.Run("segment-video", Path.Combine(data, "0"), "--mask", mask, "--weights", run, "--out", Path.Combine(folder.Path, "followed"))
                .Failed(2, "takes 1 channels", "frames of videos have 3");
        }

        Dino.Run(TinyTraining.Arguments(data, run, 1, "--preview-views", Path.Combine(folder.Path, "v.png"), "--channels", count)).Succeeded();
    }

    [Fact]
    public void Bands_that_are_not_as_many_as_asked_for_are_named()
    {
        using TestFolder folder = new();
        folder.Write("data/a.npy", Bands(1, 5));
        Dino.Run(TinyTraining.Arguments(Path.Combine(folder.Path, "data"), Path.Combine(folder.Path, "run"), 1, "--batch-size", "1"))
            .Failed(1, "a.npy", "5", "3");
    }

    /// <summary>A NumPy file of bytes // [36, 40, C]</summary>
    private static byte[] Bands(int seed, int channels)
    {
        string header = string.Create(
            CultureInfo.InvariantCulture, $"{{'descr': '|u1', 'fortran_order': False, 'shape': (36, 40, {channels}), }}").PadRight(117) + "\n";
        byte[] values = new byte[36 * 40 * channels];
        new Random(seed).NextBytes(values);
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. values];
    }

    private static string WriteShards(TestFolder folder, int shards, int each)
    {
        for (int shard = 0; shard < shards; shard++)
        {
            using TarWriter tar = new(File.Create(Path.Combine(folder.Path, $"data-{shard:D4}.tar")));
            for (int i = 0; i < each; i++)
            {
                string key = $"{shard:D4}{i:D4}";
                tar.WriteEntry(Entry($"{key}.png", TestFolder.Png(shard * each + i, 40, 36)));
                tar.WriteEntry(Entry($"{key}.cls", Encoding.ASCII.GetBytes((i % 3).ToString(CultureInfo.InvariantCulture))));
            }
        }

        return Path.Combine(folder.Path, $"data-{{0000..{shards - 1:D4}}}.tar");

        static PaxTarEntry Entry(string name, byte[] content) => new(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) };
    }
}
