using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Methods;
using DinoSharp.Training;
using DinoSharp.Training.Memory;
using DinoSharp.Training.Runs;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Training;

/// <summary>A training that learns a backbone, from its settings to the first step.</summary>
internal sealed class Pretraining : IDisposable
{
    private readonly IImageSource _source;
    private readonly PrefetchLoader _loader;
    private readonly OnlineKnn? _knn;

    /// <param name="settings">what is computed</param>
    /// <param name="request">where and how</param>
    /// <param name="terminal">where notices are told</param>
    /// <exception cref="ArgumentException">A setting makes no sense.</exception>
    /// <exception cref="ImageSourceException">There is nothing usable at a path.</exception>
    public Pretraining(TrainSettings settings, RunRequest request, Terminal terminal)
    {
        var training = settings.Validated().Training;
        request.Validated();
        _source = settings.Data.Open();
        Wording.TellNotices(terminal, _source);
        var loading = request.Loading(training) with
        {
            ShuffleBuffer = settings.Data.ShuffleBuffer,
            Decoding = settings.Data.Decoding(),
        };
        _loader = new PrefetchLoader(_source, settings.Method.Recipe(settings.Views), loading);
        var plan = new TrainingPlan(training.Epochs, _loader.BatchesPerEpoch);
        var setup = Setup(settings, request, _source, plan);
        var memory = TrainingMemory.Check(request, plan, () => Memory(settings, request, setup));

        manual_seed(training.Seed);
        var method = settings.Method.Create(setup);
        _knn = request.KnnData is null ? null : new OnlineKnn(request.KnnData, settings.EvaluationRecipe, loading, request);
        var identity = settings.ToFlatJson();
        identity.Remove("data.paths");
        identity["data"] = RunIdentity.Of(_source);
        foreach (var (name, fingerprint) in method.Inputs)
        {
            identity[name] = fingerprint;
        }

        Job = new TrainingJob
        {
            Method = method,
            Options = training,
            Plan = plan,
            Batches = new NormalizedViews(_loader, PixelNormalization.For(settings.Data.Channels), request.Device).Epoch,
            Identity = identity,
            Data = settings.Data.Paths,
            Arguments = settings.ReferenceArguments().Concat(method.Arguments).ToDictionary(),
            Score = _knn is null ? null : new RunScore(OnlineKnn.ScoreName, "k-NN top-1", () => _knn.Score(method.Backbone)),
            LoaderWait = () => _loader.WaitTime,
            Faults = _loader.Faults,
            Images = _source.Count,
            Advice = [.. settings.Reasons, .. TrainingAdvice.On(settings, _source.Count), .. memory],
        };
    }

    /// <summary>The training as it stands ready.</summary>
    public TrainingJob Job { get; }

    /// <summary>Trains until the end or until asked to stop, and saves.</summary>
    public static TrainingOutcome Start(TrainSettings settings, RunRequest request, Terminal terminal, CancellationToken stop)
    {
        using Pretraining pretraining = new(settings, request, terminal);
        return TrainingRun.Start(pretraining.Job, request, terminal, stop);
    }

    /// <summary>The largest batch that fits into memory, up to that of the settings.</summary>
    /// <exception cref="RequestException">None does, or memory cannot be measured.</exception>
    public static int LargestBatch(TrainSettings settings, RunRequest request)
    {
        if (!TrainingMemory.IsKnown(request.Device))
        {
            throw new RequestException("--batch-size auto measures the memory of the CPU on Linux: name a number here");
        }

        using var source = settings.Data.Open();
        var training = settings.Training with { BatchSize = Math.Min(settings.Training.BatchSize, source.Count) };
        settings = settings with { Training = training };
        var plan = new TrainingPlan(training.Epochs, source.Count / training.BatchSize);
        int own = Memory(settings, request, Setup(settings, request, source, plan)).LargestBatch();
        return (int)request.Group.FirstSays(own) * request.Group.Size;
    }

    public void Dispose()
    {
        Job.Method.Dispose();
        _knn?.Dispose();
        _loader.Dispose();
        _source.Dispose();
    }

    private static MethodSetup Setup(TrainSettings settings, RunRequest request, IImageSource source, TrainingPlan plan) => new()
    {
        CreateBackbone = trained => settings.CreateBackbone(trained, request.CheckpointActivations),
        Training = settings.Training,
        Plan = plan,
        Views = settings.Views,
        Images = source.Count,
        Labels = Labels(source, MethodCatalogue.Named(settings.MethodName)),
        Group = request.Group,
        Device = request.Device,
    };

    /// <summary>What the training takes of this process's memory, with its share of each batch.</summary>
    private static TrainingMemory Memory(TrainSettings settings, RunRequest request, MethodSetup setup)
    {
        var training = settings.Training with { BatchSize = Math.Max(settings.Training.BatchSize / request.Group.Size, 1) };
        setup = setup with { Group = ProcessGroup.Alone }; // of the whole batch, whose share is then tried
        return new TrainingMemory
        {
            Create = checkpointed => settings.Method.Create(setup with { CreateBackbone = trained => settings.CreateBackbone(trained, checkpointed) }),
            Training = training,
            Plan = setup.Plan,
            Probe = MemoryProbe.Of(settings.Method.Recipe(settings.Views), settings.Data.Channels, setup.Images),
            Accumulates = settings.Method.Accumulates,
            Checkpointed = request.CheckpointActivations,
            Group = request.Group,
        };
    }

    /// <summary>The images' classes for a method that learns from them or may.</summary>
    private static ImageLabels? Labels(IImageSource source, MethodDefinition method) =>
        method.NeedsLabels || (source.Classes.Count > 0 && Enumerable.Range(0, source.Count).All(i => source.LabelOf(i) >= 0))
            ? ImageLabels.Of(source) : null;
}
