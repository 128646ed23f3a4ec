using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using DinoSharp.Checkpoints;
using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Imaging;
using DinoSharp.Training;
using DinoSharp.Training.Runs;
using TorchSharp;

namespace DinoSharp.Cli.Training;

/// <summary>A training in its run folder: the first start and every later one.</summary>
internal static class TrainingRun
{
    /// <summary>Trains until the end or until asked to stop, and saves.</summary>
    public static TrainingOutcome Start(TrainingJob job, RunRequest request, Terminal terminal, CancellationToken stop)
    {
        request.Validated();
        RankAgreement.Require(request.Group, job.Identity);
        using var trainer = new Trainer(job.Method, job.Options, job.Plan, request.Group)
        {
            ReadEverySteps = request.Device.type == DeviceType.CPU ? 1 : request.Recording.LogEverySteps,
        };
        if (!request.Group.IsFirst)
        {
            return Follow(job, request, trainer, stop);
        }

        // The folder is the run's only once nothing of the request is left that could be wrong.
        var folder = RunFolder.Open(request.Out, job.Identity);
        using var hold = RunLock.Take(folder);
        Resume(folder, job.Method, trainer);
        SharedState.Spread(request.Group, job.Method, trainer);
        if (trainer.Finished)
        {
            terminal.Line($"{request.Out}: finished already, nothing to do");
            return Outcome();
        }

        folder.Begin(job.Identity, Surroundings(job, request));
        if (trainer.StepsDone > 0)
        {
            terminal.Line($"{request.Out}: going on after step {Wording.Number(trainer.StepsDone)} of {Wording.Number(job.Plan.TotalSteps)}");
        }

        foreach (string advice in job.Advice)
        {
            terminal.Line(advice);
        }

        using var display = new TrainingDisplay(terminal, job.Plan);
        using var recorder = new RunRecorder(
            folder, job.Method, job.Options.BatchSize, trainer.StepsDone, request.Recording, job.Arguments, TimeProvider.System, job.Score, request.Group)
        {
            Report = display.Show,
            LoaderWait = job.LoaderWait,
        };
        try
        {
            recorder.BeforeFirstStep(trainer);
            trainer.Run(job.Batches, recorder, stop);
        }
        catch (ImageSourceException)
        {
            recorder.Stopped(trainer); // the images are at fault, not the steps done with others
            throw;
        }

        display.Dispose();
        Wording.TellFaults(terminal, job.Faults.Faults, job.Images, "others took their places");
        return Outcome();

        TrainingOutcome Outcome() => new(folder, trainer.StepsDone, job.Plan.TotalSteps, job.Faults.Count);
    }

    /// <summary>The training on a process beside the first, which has the folder.</summary>
    private static TrainingOutcome Follow(TrainingJob job, RunRequest request, Trainer trainer, CancellationToken stop)
    {
        SharedState.Spread(request.Group, job.Method, trainer);
        RunFollower follower = new(job.Method, request.Recording, job.Score, request.Group, trainer.StepsDone);
        if (!trainer.Finished)
        {
            follower.BeforeFirstStep(trainer);
            trainer.Run(job.Batches, follower, stop);
        }

        return new TrainingOutcome(RunFolder.Of(request.Out), trainer.StepsDone, job.Plan.TotalSteps, job.Faults.Count);
    }

    /// <summary>Goes on from the newest state, if there is one.</summary>
    private static void Resume(RunFolder folder, TrainingMethod method, Trainer trainer)
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

    private static JsonObject Surroundings(TrainingJob job, RunRequest request) => new()
    {
        ["version"] = typeof(TrainingRun).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion,
        ["started"] = TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture),
        ["host"] = Environment.MachineName,
        ["system"] = System.Runtime.InteropServices.RuntimeInformation.OSDescription,
        ["processors"] = Environment.ProcessorCount,
        ["data"] = new JsonArray([.. job.Data.Select(path => JsonValue.Create(path))]),
        ["device"] = request.Device.ToString(),
        ["threads"] = request.Threads,
        ["jpeg"] = ImageDecoder.JpegCodec,
        ["command"] = Environment.CommandLine,
    };
}
