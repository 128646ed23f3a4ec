using DinoSharp.Benchmarks;
using DinoSharp.Models;

// dotnet run -c Release --project benchmarks -- step [untuned] | augment FOLDER_OR_ARCHIVE [icons] | decode ARCHIVE | start FOLDER_OR_ARCHIVE
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
    case ["augment", var path, .. var icons]:
        Console.WriteLine("| images, views | decoding alone, im/s | decoding and all views, im/s |");
        Console.WriteLine("|---|---|---|");
        if (icons is ["icons"])
        {
            Augmentation.Run(path, globalSize: 32, localSize: 16, localCount: 6);
        }
        else
        {
            Augmentation.Run(path, globalSize: 224, localSize: 96, localCount: 8);
        }

        return 0;
    case ["decode", var archive]:
        Decoding.Run(archive);
        return 0;
    case ["start", var path]:
        StartUp.Run(path);
        return 0;
    default:
        Console.Error.WriteLine("step [untuned] | augment FOLDER_OR_ARCHIVE [icons] | decode ARCHIVE | start FOLDER_OR_ARCHIVE");
        return 2;
}
