using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Evaluation.Classification;
using DinoSharp.Evaluation.Features;
using DinoSharp.Methods;
using DinoSharp.Methods.Linear;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using DinoSharp.Training;
using DinoSharp.Training.Runs;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Classification;

/// <summary>A linear evaluation from its settings to its run folder: the classifiers, their training, and how they score.</summary>
internal sealed class LinearEvaluation : IDisposable
{
    private readonly Backbone _backbone;
    private readonly HeldOut _sets;
    private readonly LinearSettings _settings;
    private readonly RunRequest _request;
    private readonly FeatureWork _taking;
    private readonly Terminal _terminal;
    private readonly PixelNormalization _normalization;
    private readonly EvaluationLoader _testLoader;
    private readonly ClassMatching _matching;
    private Tensor? _testFeatures; // [M, D], where they are cached
    private long[] _testOutputs = [];

    /// <param name="backbone">on the device of the request; stays the caller's</param>
    /// <param name="sets">stay the caller's</param>
    /// <param name="view">of the images that are tested, and of all where features are cached</param>
    /// <param name="loading">how images are loaded</param>
    /// <param name="settings">what is computed</param>
    /// <param name="request">where and how</param>
    /// <param name="taking">takes features where they are cached</param>
    /// <param name="terminal">where progress is told</param>
    public LinearEvaluation(
        Backbone backbone,
        HeldOut sets,
        IEvaluationRecipe view,
        LoaderOptions loading,
        LinearSettings settings,
        RunRequest request,
        FeatureWork taking,
        Terminal terminal)
    {
        settings.Features.Validated(backbone);
        settings.Training.Validated();
        request.Validated();
        (_backbone, _sets, _settings, _request, _taking, _terminal) = (backbone, sets, settings, request, taking, terminal);
        _normalization = PixelNormalization.For(backbone.InputChannels);
        Loading = loading.WithChannels(backbone.InputChannels);
        View = view;
        _testLoader = new EvaluationLoader(sets.Test, view, Loading);
        _matching = ClassMatching.Of(sets.Test, sets.Train.Classes);
    }

    /// <summary>Images to test that could not be used.</summary>
    public FaultLog TestFaults => _testLoader.Faults;

    private LoaderOptions Loading { get; }

    private IEvaluationRecipe View { get; }

    /// <summary>
    /// Trains and scores. Several processes share each batch, as in any training; of features that are taken once they share the taking, and the
    /// first one trains.
    /// </summary>
    /// <returns>
    /// how the training ended, and once it is finished the score of each rate's classifier; null on a process that had no part in it
    /// </returns>
    public (TrainingOutcome Outcome, IReadOnlyList<ClassificationScore> Scores)? Run(CancellationToken stop)
    {
        _backbone.eval();
        return _settings.Cached ? RunCached(stop) : RunOnCrops(stop);
    }

    public void Dispose() => _testFeatures?.Dispose();

    private (TrainingOutcome, IReadOnlyList<ClassificationScore>) RunOnCrops(CancellationToken stop)
    {
        var training = _settings.Training;
        var loading = _request.Loading(training) with { Decoding = Loading.Decoding };
        using var loader = new PrefetchLoader(_sets.Train, new RandomCropRecipe(_settings.Crop), loading);
        var views = new NormalizedViews(loader, _normalization, _request.Device);
        using var method = CreateMethod(crops => _settings.Features.Of(_backbone, crops), ImageLabels.Of(_sets.Train), _request.Group);
        return Train(method, loader.BatchesPerEpoch, views.Epoch, loader.Faults, () => loader.WaitTime, _request, stop);
    }

    private (TrainingOutcome, IReadOnlyList<ClassificationScore>)? RunCached(CancellationToken stop)
    {
        var trainLoader = new EvaluationLoader(_sets.Train, View, Loading);
        var features = _settings.Features;
        var function = FeatureFunction.Of(_backbone, features.ToString(), features.DimOf(_backbone), images => features.Of(_backbone, images));
        var train = _taking.Take(trainLoader, function, "train").OnFirst();
        var test = _taking.Take(_testLoader, function, "test").OnFirst();
        if (train is null || test is null)
        {
            return null;
        }

        _testFeatures = tensor(test.Values, test.Rows, test.Dim).to(_request.Device).DetachFromDisposeScope();
        _testOutputs = [.. test.Labels.Select(label => (long)_matching.OutputOf((int)label))];
        using var cached = new CachedFeatures(train, _settings.Training.BatchSize, _settings.Training.Seed, _request.Device);
        using var method = CreateMethod(features => features.alias(), new ImageLabels(train.Labels, train.Classes.Count), ProcessGroup.Alone);
        var alone = _request with { Group = ProcessGroup.Alone };
        return Train(method, cached.BatchesPerEpoch, cached.Epoch, trainLoader.Faults, () => TimeSpan.Zero, alone, stop);
    }

    private LinearMethod CreateMethod(Func<Tensor, Tensor> features, ImageLabels labels, ProcessGroup group)
    {
        manual_seed(_settings.Training.Seed);
        return new LinearMethod(_backbone, features, _settings.Features.DimOf(_backbone), labels, _settings.Rates, _request.Device, group);
    }

    private (TrainingOutcome, IReadOnlyList<ClassificationScore>) Train(
        LinearMethod method,
        int batchesPerEpoch,
        Func<int, int, IEnumerable<TrainingBatch>> batches,
        FaultLog faults,
        Func<TimeSpan> wait,
        RunRequest request,
        CancellationToken stop)
    {
        var identity = RunIdentity.Flat(_settings);
        identity["network"] = RunIdentity.Of(_backbone);
        identity["train"] = RunIdentity.Of(_sets.Train);
        identity["test"] = RunIdentity.Of(_sets.Test);
        var outcome = TrainingRun.Start(
            new TrainingJob
            {
                Method = method,
                Options = _settings.Training,
                Plan = new TrainingPlan(_settings.Training.Epochs, batchesPerEpoch),
                Batches = batches,
                Identity = identity,
                Data = [_sets.Train.Path, _sets.Test.Path],
                Arguments = new Dictionary<string, object?>(),
                Score = new RunScore("linear_top1", "linear top-1", () => Score(method, null).Max(score => score.Top1), KeepsBest: false),
                LoaderWait = wait,
                Faults = faults,
                Images = _sets.Train.Count,
            },
            request,
            _terminal,
            stop);
        if (!outcome.Finished)
        {
            return (outcome, []);
        }

        var scores = FinalScores(method);
        int best = scores.Index().MaxBy(pair => pair.Item.Top1).Index;
        if (request.Group.IsFirst)
        {
            Write(method, best, scores[best].Top1, outcome.Folder);
        }

        return (outcome, scores);
    }

    private IReadOnlyList<ClassificationScore> FinalScores(LinearMethod method)
    {
        if (_settings.Cached)
        {
            return Score(method, null);
        }

        using var progress = new ImageProgress(_terminal, "test", _sets.Test.Count);
        var scores = Score(method, progress.Show);
        progress.Finish();
        return scores;
    }

    private IReadOnlyList<ClassificationScore> Score(LinearMethod method, Action<int>? progress) => _testFeatures is { } features
        ? ClassificationEvaluation.Score(features, _testOutputs, method.Logits)
        : ClassificationEvaluation.Score(_testLoader, _matching, pixels => method.Logits(Features(pixels)), progress, _request.Group);

    private Tensor Features(Tensor pixels)
    {
        using var inference = inference_mode();
        using var images = _normalization.Apply(pixels, _request.Device); // [B, C, H, W]
        return _settings.Features.Of(_backbone, images);
    }

    private void Write(LinearMethod method, int best, double accuracy, RunFolder folder) => new LinearWeights
    {
        Path = PathOf(folder),
        Weight = TensorArrays.ToArray(method.Classifier(best).weight!),
        Bias = TensorArrays.ToArray(method.Classifier(best).bias!),
        Classes = _sets.Train.Classes,
        Features = _settings.Features,
        ImageSize = View.CropSize,
        Accuracy = accuracy,
    }.Write();

    /// <summary>Where the best classifier of a run is.</summary>
    public static string PathOf(RunFolder folder) => Path.Combine(folder.Path, "linear.pth");
}
