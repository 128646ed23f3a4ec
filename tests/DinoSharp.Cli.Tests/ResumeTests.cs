using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

/// <summary>A run is one run, however often it is killed, stopped, moved and started again.</summary>
public sealed class ResumeTests
{
    private const int Images = 4 * TinyTraining.Batch;

    [Theory]
    [InlineData(1, "float32")]
    [InlineData(2, "bf16")]
    public void Killed_at_random_moments_a_run_ends_with_the_bits_of_one_never_stopped(int seed, string precision)
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, Images);
        string whole = Path.Combine(folder.Path, "whole"), killed = Path.Combine(folder.Path, "killed");
        string[] demanding =
        [
            "--drop-path-rate", "0.3", "--threads", "3", "--knn-every", "1", "--keep-every", "2", "--save-minutes", "0", "--precision", precision,
        ];
        Dino.Run(TinyTraining.Arguments(data, whole, 8, demanding)).Succeeded();

        // Once while it is starting, then wherever the seed has it: in a step, a save, a k-NN evaluation.
        var random = new Random(seed);
        int kills = 0;
        for (int start = 0; start < 6; start++)
        {
            using var process = Dino.Start(TinyTraining.Arguments(data, killed, 8, demanding));
            int done = Directory.Exists(killed) ? TinyTraining.Steps(killed).Length : 0;
            if (start > 0)
            {
                TinyTraining.AwaitSteps(process, killed, done + random.Next(2, 6));
            }

            Thread.Sleep(start == 0 ? random.Next(100, 500) : random.Next(0, 30));
            kills += process.HasExited ? 0 : 1;
            process.Kill();
            process.WaitForExit();
        }

        Assert.True(kills >= 4, $"only {kills} starts were killed while running");
        Dino.Run(TinyTraining.Arguments(data, killed, 8, demanding)).Succeeded();
        foreach (string name in (string[])["latest", "best", "epoch-0002", "epoch-0008"])
        {
            Assert.True(Hash(whole, name) == Hash(killed, name), $"{name}.pth differs");
        }

        Assert.Equal(Enumerable.Range(1, 32), TinyTraining.Steps(killed).Select(line => line["step"]!.GetValue<int>()));
        Assert.Equal(Series(whole, "loss"), Series(killed, "loss"));
        Assert.Equal(Series(whole, "knn_top1"), Series(killed, "knn_top1"));
        Assert.Contains(Directory.EnumerateFiles(killed, "events.out.tfevents.*"), file => new FileInfo(file).Length > 0);
    }

    [Theory]
    [InlineData("-TERM")]
    [InlineData("-INT")]
    public async Task A_signal_saves_and_says_how_to_go_on_and_meanwhile_no_other_process_gets_into_the_run(string signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are POSIX's");
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, Images), run = Path.Combine(folder.Path, "run");
        string[] arguments = TinyTraining.Arguments(data, run, 60);
        using var process = Dino.Start(arguments);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        TinyTraining.AwaitSteps(process, run, 1);
        Send(signal, process);
        await process.WaitForExitAsync();

        Assert.Equal(75, process.ExitCode);
        Assert.Contains("the same command goes on from here", await output, StringComparison.Ordinal);
        Assert.Contains("once more to leave at once", await error, StringComparison.Ordinal);
        int done = TinyTraining.Steps(run).Length;
        Assert.InRange(done, 1, 239);
        Assert.Contains($"going on after step {done} of 240", Dino.Run(arguments).Succeeded().Output, StringComparison.Ordinal);
        Assert.Equal(240, TinyTraining.Steps(run).Length);
    }

    [Fact]
    public async Task A_second_signal_leaves_at_once_and_a_run_in_use_is_refused()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are POSIX's");
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, 32), run = Path.Combine(folder.Path, "run");
        // Steps of seconds: the second signal comes before the first one's step is done.
        string[] arguments = TinyTraining.Arguments(
            data, run, 5000, "--out-dim", "65536", "--head-bottleneck-dim", "256", "--batch-size", "32", "--local-crops-number", "40");
        using var process = Dino.Start(arguments);
        _ = process.StandardOutput.ReadToEndAsync();
        TinyTraining.AwaitSteps(process, run, 1);
        Dino.Run(arguments).Failed(2, run, "in use");
        int done = TinyTraining.Steps(run).Length;
        TinyTraining.AwaitSteps(process, run, done + 1);
        Send("-TERM", process);

        // A signal that comes while one of its kind is waiting to be heard counts as the same.
        Assert.Contains("stopping after this step", await process.StandardError.ReadLineAsync(), StringComparison.Ordinal);
        Send("-TERM", process);
        await process.WaitForExitAsync();

        Assert.Equal(143, process.ExitCode);
        Assert.False(File.Exists(TinyTraining.Latest(run)), "it has saved instead of leaving");
    }

    [Fact]
    public void A_folder_of_other_settings_is_refused_and_of_the_same_goes_on_wherever_the_data_lies()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, Images), run = Path.Combine(folder.Path, "run");
        Dino.Run(TinyTraining.Arguments(data, run, 1)).Succeeded();
        byte[] before = File.ReadAllBytes(TinyTraining.Latest(run));

        Dino.Run(TinyTraining.Arguments(data, run, 2, "--lr", "0.01", "--jitter-probability", "0.5"))
            .Failed(2, run, "training.epochs was 1, now 2", "training.learning_rate was 0.0005, now 0.01", "views.jitter_probability");
        var finished = Dino.Run(TinyTraining.Arguments(data, run, 1, "--threads", "1", "--log-every", "3")).Succeeded();
        Assert.Contains("finished already", finished.Output, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(TinyTraining.Latest(run)));

        string moved = Path.Combine(folder.Path, "moved");
        Directory.Move(data, moved);
        Assert.Contains("finished already", Dino.Run(TinyTraining.Arguments(moved, run, 1)).Succeeded().Output, StringComparison.Ordinal);
        folder.Write("moved/even/one-more.png");
        Dino.Run(TinyTraining.Arguments(moved, run, 1)).Failed(2, run, "data was \"16 images", "now \"17 images");
    }

    [Fact]
    public void A_damaged_checkpoint_is_named_with_the_one_to_go_on_from()
    {
        using TestFolder folder = new();
        string data = TinyTraining.WriteImages(folder, Images), run = Path.Combine(folder.Path, "run");
        string[] arguments = TinyTraining.Arguments(data, run, 2, "--keep-every", "1");
        Dino.Run(arguments).Succeeded();
        string latest = TinyTraining.Latest(run), kept = Path.Combine(run, "checkpoints", "epoch-0001.pth");
        byte[] whole = File.ReadAllBytes(latest);
        File.Delete(Path.Combine(run, "checkpoints", "epoch-0002.pth"));

        byte[] flipped = [.. whole];
        flipped[whole.Length / 2] ^= 0x10;
        foreach (byte[] damaged in (byte[][])[whole[..(whole.Length / 2)], [], flipped])
        {
            File.WriteAllBytes(latest, damaged);
            Dino.Run(arguments).Failed(1, latest, $"copy {kept} over it");
        }

        File.Copy(kept, latest, overwrite: true);
        Assert.Contains("going on after step 4 of 8", Dino.Run(arguments).Succeeded().Output, StringComparison.Ordinal);
        Assert.Equal(whole, File.ReadAllBytes(latest));
    }

    private static string Hash(string run, string checkpoint) =>
        Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(run, "checkpoints", checkpoint + ".pth"))));

    private static IEnumerable<double> Series(string run, string name) =>
        TinyTraining.Metrics(run).Where(line => line.ContainsKey(name)).Select(line => line[name]!.GetValue<double>());

    internal static void Send(string signal, Process process)
    {
        using var kill = Process.Start("kill", [signal, process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
