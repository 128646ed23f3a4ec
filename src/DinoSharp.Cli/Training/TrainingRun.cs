using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using DinoSharp.Checkpoints;
using DinoSharp.Data;
using DinoSharp.Imaging;
using DinoSharp.Methods.Dino;
using DinoSharp.Training;
using DinoSharp.Training.Runs;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Training;

/// <summary>A training from its settings to its run folder: the first start and every later one.</summary>
internal static class TrainingRun
{
    /// <summary>Trains until the end or until asked to stop, and saves.</summary>
    public static TrainingOutcome Start(TrainSettings settings, RunRequest request, Terminal terminal, CancellationToken stop)
    {
        var training = settings.Validated().Training;
        request.Validated();
        using var source = settings.Data.Open();
        Wording.TellNotices(terminal, source);
        var loading = new LoaderOptions
        {
            BatchSize = training.BatchSize,
            Seed = (ulong)training.Seed,
            Threads = request.Threads,
            FaultShareLimit = request.FaultShare,
            ShuffleBuffer = settings.Data.ShuffleBuffer,
            Decoding = settings.Data.Decoding(),
        };
        using var loader = new PrefetchLoader(source, new MultiCropRecipe(settings.Views), loading);
        var plan = new TrainingPlan(training.Epochs, loader.BatchesPerEpoch);

        manual_seed(training.Seed);
        using var method = new DinoMethod(
            settings.CreateBackbone(student: true),
            settings.CreateBackbone(student: false),
            settings.Dino,
            settings.Views.LocalCount,
            plan,
            request.Device);
        using var trainer = new Trainer(method, training, plan);
        using var knn = request.KnnData is null ? null : new OnlineKnn(request.KnnData, settings.EvaluationRecipe, loading, request.Device);

        // The folder is the run's only once nothing of the request is left that could be wrong.
        var folder = RunFolder.Open(request.Out, Identity(settings, source), Surroundings(settings, request));
        using var hold = RunLock.Take(folder);
        Resume(folder, method, trainer);
        if (trainer.Finished)
        {
            terminal.Line($"{request.Out}: finished already, nothing to do");
            return Outcome();
        }

        if (trainer.StepsDone > 0)
        {
            terminal.Line($"{request.Out}: going on after step {Wording.Number(trainer.StepsDone)} of {Wording.Number(plan.TotalSteps)}");
        }

        foreach (string advice in TrainingAdvice.On(settings, source.Count))
        {
            terminal.Line(advice);
        }

        using var display = new TrainingDisplay(terminal, plan);
        using var recorder = new RunRecorder(
            folder, method, training.BatchSize, trainer.StepsDone, request.Recording, settings.ReferenceArguments(), TimeProvider.System)
        {
            Report = display.Show,
            Evaluate = knn is null ? null : knn.Score,
            LoaderWait = () => loader.WaitTime,
        };
        try
        {
            recorder.BeforeFirstStep(trainer);
            trainer.Run(new NormalizedViews(loader, PixelNormalization.For(settings.Data.Channels), request.Device).Epoch, recorder, stop);
        }
        catch (ImageSourceException)
        {
            recorder.Stopped(trainer); // the images are at fault, not the steps done with others
            throw;
        }

        display.Dispose();
        Wording.TellFaults(terminal, loader.Faults.Faults, source.Count, "others took their places");
        return Outcome();

        TrainingOutcome Outcome() => new(folder, trainer.StepsDone, plan.TotalSteps, loader.Faults.Count);
    }

    /// <summary>Goes on from the newest state, if there is one.</summary>
    private static void Resume(RunFolder folder, DinoMethod method, Trainer trainer)
    {
        if (!File.Exists(folder.LatestCheckpoint))
        {
            return;
        }

        try
        {
            RunCheckpoint.Load(folder.LatestCheckpoint, method, trainer);
        }
        catch (CheckpointException error)
        {
            string advice = folder.KeptCheckpoints().FirstOrDefault() is { } kept
                ? $"copy {kept} over it to go on from there, or delete it to start anew"
                : "delete it to start anew";
            throw new CheckpointException($"{error.Message.TrimEnd('.')}; {advice}", error);
        }
    }

    /// <summary>
    /// What makes a run this run: its settings and its images, by their names below the data's path and not by that path, so that a run
    /// goes on where its data or itself was moved.
    /// </summary>
    private static JsonObject Identity(TrainSettings settings, IImageSource source)
    {
        using var names = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int i = 0; i < source.Count; i++)
        {
            names.AppendData(Encoding.UTF8.GetBytes(source.NameOf(i)));
            names.AppendData("\n"u8);
        }

        var identity = settings.ToFlatJson();
        identity.Remove("data.paths");
        identity["data"] = $"{Wording.Number(source.Count)} images, names {Convert.ToHexStringLower(names.GetHashAndReset())[..16]}";
        return identity;
    }

    private static JsonObject Surroundings(TrainSettings settings, RunRequest request) => new()
    {
        ["version"] = typeof(TrainingRun).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
        ["started"] = TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture),
        ["host"] = Environment.MachineName,
        ["system"] = System.Runtime.InteropServices.RuntimeInformation.OSDescription,
        ["processors"] = Environment.ProcessorCount,
        ["data"] = new JsonArray([.. settings.Data.Paths.Select(path => JsonValue.Create(path))]),
        ["device"] = request.Device.ToString(),
        ["threads"] = request.Threads,
        ["jpeg"] = ImageDecoder.JpegCodec,
        ["command"] = Environment.CommandLine,
    };
}
