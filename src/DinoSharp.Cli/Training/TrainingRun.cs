using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using DinoSharp.Data;
using DinoSharp.Methods.Dino;
using DinoSharp.Training;
using DinoSharp.Training.Runs;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Training;

/// <summary>A training from its settings to its run folder: the first start and every later one.</summary>
internal static class TrainingRun
{
    /// <summary>Trains until the end or until asked to stop, and saves.</summary>
    /// <returns>whether the training is finished</returns>
    public static bool Start(TrainSettings settings, RunRequest request, Terminal terminal, CancellationToken stop)
    {
        var training = settings.Validated().Training;
        using var source = ImageSources.Open(settings.Data, settings.Split);
        var loading = new LoaderOptions
        {
            BatchSize = training.BatchSize,
            Seed = (ulong)training.Seed,
            Threads = request.Threads,
            FaultShareLimit = request.FaultShare,
        };
        using var loader = new PrefetchLoader(source, new MultiCropRecipe(settings.Views), loading);
        var plan = new TrainingPlan(training.Epochs, loader.BatchesPerEpoch);
        var folder = RunFolder.Open(request.Out, Identity(settings, source), Surroundings(request));

        manual_seed(training.Seed);
        using var method = new DinoMethod(
            settings.CreateBackbone(student: true), settings.CreateBackbone(student: false), settings.Dino, settings.Views.LocalCount, plan, request.Device);
        using var trainer = new Trainer(method, training, plan);
        if (File.Exists(folder.LatestCheckpoint))
        {
            RunCheckpoint.Load(folder.LatestCheckpoint, method, trainer);
            terminal.Line(trainer.Finished
                ? $"{request.Out}: finished already, nothing to do"
                : $"{request.Out}: going on after step {Wording.Number(trainer.StepsDone)} of {Wording.Number(plan.TotalSteps)}");
        }

        if (trainer.Finished)
        {
            return true;
        }

        using var knn = request.KnnData is null ? null : new OnlineKnn(request.KnnData, settings.EvaluationRecipe, loading, request.Device);
        using var display = new TrainingDisplay(terminal, plan, trainer.StepsDone);
        using var recorder = new RunRecorder(
            folder, method, training.BatchSize, trainer.StepsDone, request.Recording, settings.ReferenceArguments(), TimeProvider.System)
        {
            Report = display.Show,
            Evaluate = knn is null ? null : knn.Score,
            LoaderWait = () => loader.WaitTime,
        };
        trainer.Run(new NormalizedViews(loader, PixelNormalization.ImageNet, request.Device).Epoch, recorder, stop);
        Wording.TellFaults(terminal, loader.Faults.Faults, source.Count, "others took their places");
        return trainer.Finished;
    }

    /// <summary>What makes a run this run: its settings, and how many images there were.</summary>
    private static JsonObject Identity(TrainSettings settings, IImageSource source)
    {
        var identity = settings.ToFlatJson();
        identity["images"] = source.Count;
        return identity;
    }

    private static JsonObject Surroundings(RunRequest request) => new()
    {
        ["version"] = typeof(TrainingRun).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
        ["started"] = TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture),
        ["host"] = Environment.MachineName,
        ["system"] = System.Runtime.InteropServices.RuntimeInformation.OSDescription,
        ["processors"] = Environment.ProcessorCount,
        ["device"] = request.Device.ToString(),
        ["threads"] = request.Threads,
        ["command"] = Environment.CommandLine,
    };
}
