using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Tests;
using DinoSharp.Training.Runs;

namespace DinoSharp.Cli.Tests;

/// <summary>A training that takes a second or two, on images of noise.</summary>
internal static class TinyTraining
{
    /// <summary>Images that fill a batch.</summary>
    public const int Batch = 4;

    private static readonly string[] Network =
    [
        "--arch", "vit_tiny", "--embed-dim", "24", "--depth", "2", "--num-heads", "3", "--patch-size", "8",
        "--global-crops-size", "32", "--local-crops-size", "16", "--local-crops-number", "2",
        "--out-dim", "64", "--head-hidden-dim", "32", "--head-bottleneck-dim", "16",
        "--batch-size", "4", "--log-every", "1", "--threads", "2",
        "--precision", "float32", // and not what the machine does well, so that results are the same on every one
    ];

    /// <summary>A folder of noisy images in two classes.</summary>
    public static string WriteImages(TestFolder folder, int count, string under = "data")
    {
        for (int i = 0; i < count; i++)
        {
            folder.Write($"{under}/{(i % 2 == 0 ? "even" : "odd")}/{i:D3}.png", TestFolder.Png(i, width: 40, height: 36));
        }

        return Path.Combine(folder.Path, under);
    }

    /// <summary>The arguments of a training; what is in <paramref name="more"/> replaces what is given twice.</summary>
    public static string[] Arguments(string data, string run, int epochs, params string[] more)
    {
        List<string> network = [.. Network, "--epochs", epochs.ToString(CultureInfo.InvariantCulture)];
        foreach (string option in more.Where(word => word.StartsWith("--", StringComparison.Ordinal)))
        {
            int at = network.IndexOf(option);
            if (at >= 0)
            {
                network.RemoveRange(at, 2);
            }
        }

        return ["train", "--data", data, "--out", run, .. network, .. more];
    }

    /// <summary>The lines of metrics that steps left; those of k-NN stand beside them.</summary>
    public static JsonObject[] Steps(string run) => [.. Metrics(run).Where(line => line.ContainsKey("loss"))];

    public static IEnumerable<JsonObject> Metrics(string run) => MetricsLog.Read(Path.Combine(run, "metrics.jsonl"));

    public static string Latest(string run) => Path.Combine(run, "checkpoints", "latest.pth");

    /// <summary>Waits until a running training has logged so many steps, or has ended.</summary>
    public static void AwaitSteps(System.Diagnostics.Process process, string run, int steps)
    {
        var patience = System.Diagnostics.Stopwatch.StartNew();
        while (!process.HasExited && LineCount(Path.Combine(run, "metrics.jsonl")) < steps)
        {
            Assert.True(patience.Elapsed < TimeSpan.FromMinutes(1), $"{run}: no {steps} steps within a minute");
            Thread.Sleep(1);
        }
    }

    /// <summary>Of a file that another process writes.</summary>
    private static int LineCount(string path)
    {
        if (!File.Exists(path))
        {
            return 0;
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd().Count(c => c == '\n');
    }
}
