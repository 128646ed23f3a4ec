using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace DinoSharp.Benchmarks;

/// <summary>What "dino train" says it will take of memory, and what its process then had at its peak; a process a case.</summary>
/// <param name="Icons">whether it trains on icons in place of photographs</param>
/// <param name="Options">of the command line</param>
internal sealed partial record TrainingMemory(bool Icons, string Options)
{
    private static readonly TrainingMemory[] All =
    [
        new(false, "--arch vit_small --batch-size 4"),
        new(false, "--arch vit_small --batch-size 8"),
        new(false, "--arch vit_small --batch-size 8 --checkpoint-activations"),
        new(false, "--arch vit_small --batch-size 8 --precision float32"),
        new(false, "--arch vit_small --batch-size 8 --precision float32 --checkpoint-activations"),
        new(false, "--arch vit_small --batch-size 8 --accumulation-steps 2"),
        new(false, "--arch resnet50 --batch-size 8 --method moco-v2"),
        new(false, "--arch resnet50 --batch-size 8 --method moco-v2 --checkpoint-activations"),
        new(false, "--arch resnet50 --batch-size 8 --method byol"),
        new(true, "--arch vit_tiny --batch-size 64"),
        new(true, "--arch vit_tiny --batch-size 64 --checkpoint-activations"),
        new(true, "--arch vit_tiny --batch-size 64 --precision float32"),
        new(true, "--arch resnet18 --batch-size 128 --method byol"),
        new(true, "--arch resnet18 --batch-size 128 --method moco-v2"),
        new(true, "--arch resnet18 --batch-size 128 --method swav"),
        new(true, "--arch resnet18 --batch-size 128 --method barlow-twins"),
        new(true, "--arch resnet18 --batch-size 128 --method obow"),
        new(true, "--arch resnet18 --batch-size 128 --method supervised"),
    ];

    /// <param name="photographs">images to train on</param>
    /// <param name="icons">small images in class folders</param>
    /// <param name="steps">after which the peak is read</param>
    /// <param name="words">cases whose options have all of these words; none for all cases</param>
    public static void Run(string photographs, string icons, int steps, IReadOnlyList<string> words)
    {
        Console.WriteLine("| data | dino train | predicted, GB | peak, GB | error | im/s |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var memory in All.Where(memory => words.All(word => memory.Options.Split(' ').Contains(word))))
        {
            string run = Directory.CreateTempSubdirectory("dinosharp-memory-").FullName;
            try
            {
                memory.Run(memory.Icons ? icons : photographs, run, steps);
            }
            finally
            {
                Directory.Delete(run, recursive: true);
            }
        }
    }

    private void Run(string data, string run, int steps)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "dino.dll"), "train", "--data", data, "--out", run, "--device", "cpu", "--log-every", "1",
            .. Options.Split(' '),
        ];
        Array.ForEach(arguments, start.ArgumentList.Add);
        using var process = Process.Start(start)!;
        double predicted = double.NaN;
        List<double> rates = [];
        while (rates.Count < steps && process.StandardOutput.ReadLine() is { } line)
        {
            if (Prediction().Match(line) is { Success: true } prediction)
            {
                predicted = Number(prediction);
            }
            else if (Rate().Match(line) is { Success: true } rate)
            {
                rates.Add(Number(rate));
            }
        }

        process.Refresh();
        double peak = rates.Count < steps ? double.NaN : process.PeakWorkingSet64 / 1e9;
        process.Kill();
        process.WaitForExit();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {(Icons ? "icons" : "photographs")} | {Options} | {predicted:F2} | {peak:F2} | {Math.Round((predicted / peak - 1) * 100):+0;-0;0} % | {(rates.Count > 0 ? Measure.Median([.. rates]) : double.NaN):F2} |"));
    }

    private static double Number(Match match) => double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex("^memory: about ([0-9.]+) GB")]
    private static partial Regex Prediction();

    [GeneratedRegex("([0-9.]+) im/s")]
    private static partial Regex Rate();
}
