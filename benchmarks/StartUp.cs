using System.Diagnostics;
using System.Globalization;

namespace DinoSharp.Benchmarks;

/// <summary>From the start of the process to the end of its first training step, program and libtorch included.</summary>
internal static class StartUp
{
    private const int Rounds = 5;

    /// <param name="data">images to train on</param>
    public static void Run(string data)
    {
        double[] seconds = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            string run = Directory.CreateTempSubdirectory("dinosharp-start-").FullName;
            try
            {
                seconds[round] = FirstStep(data, run);
            }
            finally
            {
                Directory.Delete(run, recursive: true);
            }
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"start to first step: {Measure.Median(seconds):F2} s (median of {Rounds}, from {seconds.Min():F2} to {seconds.Max():F2})"));
    }

    private static double FirstStep(string data, string run)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "dino.dll"), "train", "--data", data, "--out", run, "--arch", "vit_tiny", "--patch-size", "16",
            "--out-dim", "4096", "--batch-size", "4", "--log-every", "1",
        ];
        Array.ForEach(arguments, start.ArgumentList.Add);
        long began = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        string? line;
        do
        {
            line = process.StandardOutput.ReadLine();
        }
        while (line is not null && !line.Contains("im/s", StringComparison.Ordinal)); // the progress line of the first step
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        process.Kill();
        process.WaitForExit();
        return line is null ? throw new InvalidOperationException("dino train ended before its first step") : seconds;
    }
}
