using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Classification;
using DinoSharp.Cli.Commands;
using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Knn;
using DinoSharp.Methods;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using DinoSharp.Training;
using DinoSharp.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Compare;

/// <summary>Trains methods one after the other with the same budget, and scores each. What is finished is not done again.</summary>
/// <param name="plan">what is compared</param>
/// <param name="terminal">where it is told</param>
internal sealed class Comparison(ComparisonPlan plan, Terminal terminal)
{
    /// <summary>Of the linear evaluation, as published.</summary>
    private const int UsualBatchSize = 128;

    /// <summary>Folder in a run that keeps features until it is scored.</summary>
    private const string FeaturesFolder = "features";

    private static readonly KnnOptions Knn = new() { Ks = [20] };

    private readonly TrainingLengths _lengths = new(plan.Out);

    /// <summary>Goes through all networks and methods.</summary>
    /// <param name="stop">asked for by a signal</param>
    /// <returns>a result each, untrained networks first; fewer if it was asked to stop</returns>
    public IReadOnlyList<ComparisonResult> Run(CancellationToken stop)
    {
        foreach (var (method, network) in plan.Runs)
        {
            var (settings, _) = Read(plan.Command(method, network, epochs: 1));
            settings.Method.Recipe(settings.Views); // what cannot be made is told before the first training and not after hours
        }

        plan.Hold();
        foreach (var (method, network) in plan.Runs)
        {
            if (stop.IsCancellationRequested)
            {
                return [];
            }

            LengthOf(method, network); // all before the first training
        }

        using var sets = HeldOut.Open(plan.Data);
        List<ComparisonResult> results = [];
        foreach (string network in plan.Networks)
        {
            foreach (string method in plan.Methods.Prepend(ComparisonResult.Untrained))
            {
                if (stop.IsCancellationRequested)
                {
                    return results;
                }

                if ((Kept(method, network) ?? Scored(method, network, sets, stop)) is { } result)
                {
                    results.Add(result);
                }
            }
        }

        return results;
    }

    private ComparisonResult? Kept(string method, string network)
    {
        var kept = ComparisonResult.Read(plan.FolderOf(method, network));
        if (kept is not null)
        {
            Tell(kept);
        }

        return kept;
    }

    private ComparisonResult? Scored(string method, string network, HeldOut sets, CancellationToken stop) =>
        method == ComparisonResult.Untrained ? Untrained(network, sets, stop) : Train(method, network, sets, stop);

    /// <summary>A method's training and its scores; null if it was asked to stop.</summary>
    private ComparisonResult? Train(string method, string network, HeldOut sets, CancellationToken stop)
    {
        string title = MethodCatalogue.Named(method).Title;
        var length = LengthOf(method, network);
        var command = plan.Command(method, network, length.Epochs);
        terminal.Line($"{title}: dino {string.Join(' ', command)}");
        var (settings, request) = Read(command);
        using Pretraining pretraining = new(settings, request, terminal);
        var outcome = TrainingRun.Start(pretraining.Job, request, terminal, stop);
        if (!outcome.Finished)
        {
            return null;
        }

        var lines = MetricsLog.Read(outcome.Folder.MetricsFile).ToList();
        var (backbone, _) = Pretrained.Load(outcome.Folder.LatestCheckpoint);
        using (backbone)
        {
            backbone.to(request.Device);
            var (knn, linear) = Scores(backbone, settings, request, sets, outcome.Folder.Path, stop);
            var result = new ComparisonResult
            {
                Method = title,
                Network = BackboneCatalogue.Label(backbone),
                Parameters = backbone.parameters().Sum(p => p.numel()),
                Epochs = length.Epochs,
                Steps = outcome.Steps,
                ImagesPerSecond = length.ImagesPerSecond,
                Knn = knn,
                Linear = linear,
                Diagnosis = Diagnosis(pretraining.Job, lines),
                Command = $"dino {string.Join(' ', command)}",
            };
            return stop.IsCancellationRequested ? null : Keep(result, method, network);
        }
    }

    /// <summary>The scores of a network as it begins; null if it was asked to stop.</summary>
    private ComparisonResult? Untrained(string network, HeldOut sets, CancellationToken stop)
    {
        var (settings, request) = Read(plan.Command(plan.Methods[0], network, 1));
        settings = settings with { ResNet = settings.ResNet is { } residual ? residual with { ZeroInitResidual = false } : null }; // whatever the method
        manual_seed(settings.Training.Seed);
        using var backbone = settings.CreateBackbone(trained: false);
        backbone.to(request.Device);
        var (knn, linear) = Scores(backbone, settings, request, sets, plan.FolderOf(ComparisonResult.Untrained, network), stop);
        return stop.IsCancellationRequested ? null : Keep(
            new ComparisonResult
            {
                Method = ComparisonResult.Untrained,
                Network = BackboneCatalogue.Label(backbone),
                Parameters = backbone.parameters().Sum(p => p.numel()),
                Knn = knn,
                Linear = linear,
                Command = "",
            },
            ComparisonResult.Untrained,
            network);
    }

    /// <summary>Keeps a result; the features it is of are not needed any more.</summary>
    private ComparisonResult Keep(ComparisonResult result, string method, string network)
    {
        string folder = plan.FolderOf(method, network);
        result.Write(folder);
        if (Directory.Exists(Path.Combine(folder, FeaturesFolder)))
        {
            Directory.Delete(Path.Combine(folder, FeaturesFolder), recursive: true);
        }

        Tell(result);
        return result;
    }

    private void Tell(ComparisonResult result) => terminal.Line(string.Create(
        CultureInfo.InvariantCulture, $"{result.Method}, {result.Network}: k-NN {result.Knn:F2} %, linear {result.Linear:F2} %"));

    private TrainingLength LengthOf(string method, string network) =>
        _lengths.Of(ComparisonPlan.NameOf(method, network), () => Measured(method, network));

    private TrainingLength Measured(string method, string network)
    {
        var (settings, request) = Read(plan.Command(method, network, epochs: 100));
        using Pretraining trial = new(settings, request, terminal);
        var length = TrainingBudget.Measure(trial.Job, plan);
        terminal.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"{ComparisonPlan.NameOf(method, network)}: {length.ImagesPerSecond:F0} im/s, {length.Epochs} epochs"));
        return length;
    }

    /// <summary>The settings of a command of "dino train".</summary>
    private static (TrainSettings Settings, RunRequest Request) Read(IReadOnlyList<string> words)
    {
        var train = TrainCommand.Create(words);
        var parsed = Application.Parse(Application.Root(train), [.. words]);
        if (parsed.Errors.Count > 0)
        {
            throw new RequestException($"dino {string.Join(' ', words)}: {parsed.Errors[0].Message}");
        }

        return train.Read(parsed);
    }

    private (double Knn, double Linear) Scores(
        Backbone backbone, TrainSettings settings, RunRequest training, HeldOut sets, string folder, CancellationToken stop)
    {
        var loading = new LoaderOptions
        {
            BatchSize = UsualBatchSize,
            Decoding = settings.Data.Decoding(),
            Threads = training.Threads,
            FaultShareLimit = training.FaultShare,
        };
        var view = settings.EvaluationRecipe;
        FeatureWork taking = new(terminal, Path.Combine(folder, FeaturesFolder));
        var train = Features(sets.Train, "train");
        double knn = KnnEvaluation.Score(train, Features(sets.Test, "test"), Knn, training.Device)[0].Top1;
        int batchSize = (int)Math.Min(UsualBatchSize, train.Rows.Count); // of the images that can be used
        var linear = new LinearSettings
        {
            Rates = LinearSettings.UsualRates,
            Features = ProbeFeatures.Published(backbone),
            Cached = true,
            Training = LinearSettings.Schedule(LinearSettings.UsualRates, plan.LinearEpochs, batchSize, settings.Training.Seed),
            Crop = new RandomCropOptions { Size = view.CropSize },
        };
        var request = new RunRequest
        {
            Out = Path.Combine(folder, "linear"),
            Device = training.Device,
            Threads = training.Threads,
            FaultShare = training.FaultShare,
            Recording = new RecordingOptions { KeepEveryEpochs = 0, LogEverySteps = 100 },
        };
        using LinearEvaluation evaluation = new(backbone, sets, view, loading, linear, request, taking, terminal);
        var scores = evaluation.Run(stop)!.Value.Scores;
        return (knn, scores.Count == 0 ? double.NaN : scores.Max(score => score.Top1));

        SharedFeatures Features(IImageSource source, string what) =>
            taking.Take(new EvaluationLoader(source, view, loading), FeatureFunction.Of(backbone), what);
    }

    /// <summary>What the method says of its last metrics.</summary>
    private static string? Diagnosis(TrainingJob job, List<JsonObject> lines)
    {
        var last = lines.LastOrDefault(line => line.ContainsKey("loss"));
        return last is null
            ? null
            : job.Method.Diagnose(
                [.. last.Where(entry => entry.Value is JsonValue value && value.TryGetValue<double>(out _)).Select(entry => (entry.Key, (double)entry.Value!))],
                job.Plan.StepAfter(job.Plan.TotalSteps - 1));
    }
}
