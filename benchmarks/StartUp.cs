using System.Diagnostics;
using System.Globalization;

namespace DinoSharp.Benchmarks;

/// <summary>From the start of the process to the beginning and the end of its first training step, program and libtorch included.</summary>
internal static class StartUp
{
    private const int Rounds = 5;

    /// <param name="data">images to train on</param>
    /// <param name="options">of "dino train", beside the data and the run folder</param>
    public static void Run(string data, IReadOnlyList<string> options)
    {
        List<(double Begun, double Done)> seconds = [];
        for (int round = 0; round < Rounds; round++)
        {
            string run = Directory.CreateTempSubdirectory("dinosharp-start-").FullName;
            try
            {
                seconds.Add(FirstStep(data, run, options));
            }
            finally
            {
                Directory.Delete(run, recursive: true);
            }
        }

        Tell("start to the first step", [.. seconds.Select(pair => pair.Begun)]);
        Tell("start to the first step's end", [.. seconds.Select(pair => pair.Done)]);

        static void Tell(string what, double[] seconds) => Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{what}: {Measure.Median(seconds):F2} s (median of {Rounds}, from {seconds.Min():F2} to {seconds.Max():F2})"));
    }

    /// <returns>seconds until all is said that comes before the first step, and until the step's line of progress</returns>
    private static (double Begun, double Done) FirstStep(string data, string run, IReadOnlyList<string> options)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "dino.dll"), "train", "--data", data, "--out", run, "--log-every", "1", .. options,
        ];
        Array.ForEach(arguments, start.ArgumentList.Add);
        long began = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        double begun, done = 0;
        string? line;
        do
        {
            line = process.StandardOutput.ReadLine();
            (begun, done) = (done, Stopwatch.GetElapsedTime(began).TotalSeconds);
        }
        while (line is not null && !line.Contains("im/s", StringComparison.Ordinal));
        process.Kill();
        process.WaitForExit();
        return line is null ? throw new InvalidOperationException("dino train ended before its first step") : (begun, done);
    }
}
