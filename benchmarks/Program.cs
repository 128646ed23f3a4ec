using DinoSharp.Benchmarks;
using DinoSharp.Benchmarks.Views;
using DinoSharp.Distributed;
using DinoSharp.Models;
using DinoSharp.Models.Layers;
using TorchSharp;

const string Usage = """
    dotnet run -c Release --project benchmarks -- step [untuned|bf16|torch]
    ... views FOLDER_OR_ZIP [icons|evaluation] | reduction FOLDER_OR_ZIP | decode ZIP | loader DATA | index COUNT | start DATA [options of dino train]
    ... products | knn | search | propagation | instances | precision | cuda
    mpirun -n 2 --bind-to none dotnet benchmarks/bin/Release/net10.0/DinoSharp.Benchmarks.dll scaling ViT-Ti/4|ViT-S/16 BATCH ROUNDS
    ... memory PHOTOGRAPHS ICONS STEPS [WORD OF THE OPTIONS ...]
    """;
if (args is not (["step", "untuned"] or ["port", _]))
{
    TorchRuntime.Tune();
}

switch (args)
{
    case ["step"] or ["step", "untuned" or "bf16" or "torch"]:
        bool besideTorch = args is [_, "torch"];
        Console.WriteLine(
            "| step | GFLOP | im/s | GFLOP/s | matrix product, GFLOP/s | share | peak memory so far, GB | port, im/s | its peak, GB | ratio |"
            + (besideTorch ? " to torch's products |" : ""));
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|" + (besideTorch ? "---|" : ""));
        foreach (var step in TrainingStep.All.Reverse())
        {
            step.Run(args is [_, "bf16"] ? Precision.Bf16 : Precision.Float32, besideTorch);
        }

        return 0;
    case ["port", var index]: // started by "step"
        TrainingStep.All[int.Parse(index, System.Globalization.CultureInfo.InvariantCulture)].ServePort();
        return 0;
    case ["products"]:
        Products.Run();
        return 0;
    case ["knn"]:
        Search.WriteHead();
        Search.Knn.Run(rounds: 5, classify: true);
        return 0;
    case ["search"]:
        Search.WriteHead();
        foreach (var search in Search.Large)
        {
            search.Run(rounds: 7, classify: false);
        }

        return 0;
    case ["memory", var photographs, var icons, var steps, .. var words]:
        TrainingMemory.Run(photographs, icons, int.Parse(steps, System.Globalization.CultureInfo.InvariantCulture), words);
        return 0;
    case ["scaling", var step, var batch, var rounds]:
        using (var group = ProcessGroups.Start(Console.Error.WriteLine))
        {
            torch.set_num_threads(1);
            new Scaling(group).Run(
                step,
                int.Parse(batch, System.Globalization.CultureInfo.InvariantCulture),
                int.Parse(rounds, System.Globalization.CultureInfo.InvariantCulture));
        }

        return 0;
    case ["propagation"]:
        Propagation.Run();
        return 0;
    case ["precision"]:
        Precisions.Run();
        return 0;
    case ["cuda"]:
        return GpuSpeed.Run();
    case ["instances"]:
        Instances.Run();
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
    case ["loader", var path]:
        Loading.Run(path);
        return 0;
    case ["index", var count]:
        Indexing.Run(int.Parse(count, System.Globalization.CultureInfo.InvariantCulture));
        return 0;
    case ["decode", var archive]:
        Decoding.Run(archive);
        return 0;
    case ["start", var path, .. var options]:
        StartUp.Run(path, options);
        return 0;
    default:
        Console.Error.WriteLine(Usage);
        return 2;
}
