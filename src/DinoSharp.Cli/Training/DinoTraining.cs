using DinoSharp.Data;
using DinoSharp.Methods.Dino;
using DinoSharp.Training;
using DinoSharp.Training.Runs;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Training;

/// <summary>A training by DINO, from its settings to its run folder.</summary>
internal static class DinoTraining
{
    /// <summary>Trains until the end or until asked to stop, and saves.</summary>
    public static TrainingOutcome Start(TrainSettings settings, RunRequest request, Terminal terminal, CancellationToken stop)
    {
        var training = settings.Validated().Training;
        request.Validated();
        using var source = settings.Data.Open();
        Wording.TellNotices(terminal, source);
        var loading = request.Loading(training) with
        {
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
        using var knn = request.KnnData is null ? null : new OnlineKnn(request.KnnData, settings.EvaluationRecipe, loading, request.Device);
        var identity = settings.ToFlatJson();
        identity.Remove("data.paths");
        identity["data"] = RunIdentity.Of(source);
        return TrainingRun.Start(
            new TrainingJob
            {
                Method = method,
                Options = training,
                Plan = plan,
                Batches = new NormalizedViews(loader, PixelNormalization.For(settings.Data.Channels), request.Device).Epoch,
                Identity = identity,
                Data = settings.Data.Paths,
                Arguments = settings.ReferenceArguments(),
                Score = knn is null ? null : new RunScore(OnlineKnn.ScoreName, "k-NN top-1", () => knn.Score(method.Backbone)),
                LoaderWait = () => loader.WaitTime,
                Faults = loader.Faults,
                Images = source.Count,
                Advice = [.. TrainingAdvice.On(settings, source.Count)],
            },
            request,
            terminal,
            stop);
    }
}
