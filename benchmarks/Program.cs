using DinoSharp.Benchmarks;
using DinoSharp.Benchmarks.Views;
using DinoSharp.Models;

// dotnet run -c Release --project benchmarks -- step [untuned] | views FOLDER_OR_ZIP [icons|evaluation] | reduction FOLDER_OR_ZIP | decode ARCHIVE | start FOLDER_OR_ARCHIVE
if (args is not ["step", "untuned"])
{
    TorchRuntime.Tune();
}

switch (args)
{
    case ["step"] or ["step", "untuned"]:
        Console.WriteLine("| step | GFLOP | im/s | GFLOP/s | matrix product, GFLOP/s | share | peak memory so far, GB |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var step in TrainingStep.All.Reverse())
        {
            step.Run();
        }

        return 0;
    case ["views", var path]:
        ViewBenchmark.Run(path, ViewKind.Photographs);
        return 0;
    case ["views", var path, "icons"]:
        ViewBenchmark.Run(path, ViewKind.Icons);
        return 0;
    case ["views", var path, "evaluation"]:
        ViewBenchmark.Run(path, ViewKind.Evaluation);
        return 0;
    case ["reduction", var path]:
        Reduction.Run(path);
        return 0;
    case ["decode", var archive]:
        Decoding.Run(archive);
        return 0;
    case ["start", var path]:
        StartUp.Run(path);
        return 0;
    default:
        Console.Error.WriteLine("step [untuned] | views FOLDER_OR_ZIP [icons|evaluation] | reduction FOLDER_OR_ZIP | decode ARCHIVE | start FOLDER_OR_ARCHIVE");
        return 2;
}
