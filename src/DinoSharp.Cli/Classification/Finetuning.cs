using DinoSharp.Checkpoints;
using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Evaluation.Classification;
using DinoSharp.Methods;
using DinoSharp.Methods.Supervised;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using DinoSharp.Training;
using DinoSharp.Training.Memory;
using DinoSharp.Training.Runs;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Classification;

/// <summary>A training with labels from its settings to its run folder.</summary>
/// <param name="sets">stay the caller's</param>
/// <param name="view">of the images that are tested</param>
/// <param name="loading">how images are loaded</param>
/// <param name="settings">what is computed</param>
/// <param name="request">where and how</param>
/// <param name="terminal">where progress is told</param>
/// <param name="images">what it learns from; null for the train images of the sets and their labels</param>
internal sealed class Finetuning(
    HeldOut sets, IEvaluationRecipe view, LoaderOptions loading, FinetuneSettings settings, RunRequest request, Terminal terminal,
    PseudoLabelledImages? images = null)
{
    private readonly IImageSource _train = images?.Source ?? sets.Train;
    private readonly EvaluationLoader _testLoader = new(sets.Test, view, loading);
    private readonly ClassMatching _matching = ClassMatching.Of(sets.Test, sets.Train.Classes);
    private readonly PixelNormalization _normalization = PixelNormalization.For(loading.Decoding.Channels);

    /// <summary>Images to test that could not be used.</summary>
    public FaultLog TestFaults => _testLoader.Faults;

    /// <summary>Where the predictions of the test images of a run are.</summary>
    public static string PredictionsOf(RunFolder folder) => Path.Combine(folder.Path, "predictions.csv");

    /// <summary>Trains, scores, and writes the predictions of the images that are tested.</summary>
    /// <param name="pretrained">where to start; not changed</param>
    /// <param name="stop">asked for by a signal</param>
    /// <returns>how the training ended, and once it is finished its score</returns>
    public (TrainingOutcome Outcome, ClassificationScore? Score) Run(Backbone pretrained, CancellationToken stop)
    {
        var training = settings.Training.Validated();
        request.Validated();
        using var loader = new PrefetchLoader(
            _train, settings.Recipe(), request.Loading(training) with { Decoding = loading.Decoding });
        var plan = new TrainingPlan(training.Epochs, loader.BatchesPerEpoch);
        var memory = TrainingMemory.Check(request, plan, () => Memory(pretrained, plan));
        using var method = CreateMethod(pretrained, request.CheckpointActivations);
        var identity = RunIdentity.Flat(settings with { Training = training with { WarmupEpochs = training.EffectiveWarmupEpochs } });
        identity["network"] = settings.FromScratch ? DinoSharp.Models.BackboneCatalogue.Label(pretrained) : RunIdentity.Of(pretrained);
        identity["train"] = RunIdentity.Of(_train);
        if (images is not null)
        {
            identity["pseudo_labels"] = images.Targets.Fingerprint;
        }

        identity["test"] = RunIdentity.Of(sets.Test);
        var outcome = TrainingRun.Start(
            new TrainingJob
            {
                Method = method,
                Options = training,
                Plan = plan,
                Batches = new NormalizedViews(loader, _normalization, request.Device).Epoch,
                Identity = identity,
                Data = [_train.Path, sets.Test.Path],
                Arguments = Arguments(pretrained),
                Score = new RunScore("finetune_top1", "top-1", () => Top1(method), KeepsBest: false),
                LoaderWait = () => loader.WaitTime,
                Faults = loader.Faults,
                Images = _train.Count,
                Advice = memory,
            },
            request,
            terminal,
            stop);
        if (!outcome.Finished)
        {
            return (outcome, null);
        }

        using var progress = new ImageProgress(terminal, "test", sets.Test.Count);
        var score = PredictionCsv.Write(
            PredictionsOf(outcome.Folder), _testLoader, sets.Train.Classes, _matching, pixels => Logits(method, pixels), progress.Show);
        progress.Finish();
        return (outcome, score);
    }

    private TrainingMemory Memory(Backbone pretrained, TrainingPlan plan) => new()
    {
        Create = checkpointed => CreateMethod(pretrained, checkpointed),
        Training = settings.Training,
        Plan = plan,
        Probe = MemoryProbe.Of(settings.Recipe(), pretrained.InputChannels, _train.Count),
        Accumulates = settings.Supervised.Accumulates,
        Checkpointed = request.CheckpointActivations,
        Group = request.Group,
    };

    private SupervisedMethod CreateMethod(Backbone pretrained, bool checkpointed)
    {
        settings.Supervised.CheckParts(settings.Training.BatchSize / settings.Training.AccumulationSteps, settings.Training.BatchSize);
        manual_seed(settings.Training.Seed);
        var network = pretrained.CreateAlike(settings.DropPathRate);
        network.CheckpointsActivations = checkpointed;
        if (!settings.FromScratch)
        {
            network.CopyFrom(pretrained);
        }

        var average = settings.Supervised.AverageMomentum > 0 ? pretrained.CreateAlike() : null;
        return new SupervisedMethod(
            network, average, settings.Supervised, images?.Targets ?? (IImageTargets)ImageLabels.Of(sets.Train), request.Device);
    }

    private double Top1(SupervisedMethod method) =>
        ClassificationEvaluation.Score(_testLoader, _matching, pixels => [Logits(method, pixels)])[0].Top1;

    private Tensor Logits(SupervisedMethod method, Tensor pixels)
    {
        using var images = _normalization.Apply(pixels, request.Device); // [B, C, H, W]
        return method.Logits(images);
    }

    /// <summary>What a classifier's file says beside its tensors (<see cref="ImageClassifier"/>).</summary>
    private Dictionary<string, object?> Arguments(Backbone network) => new()
    {
        [WeightsWriter.HeadCountName] = (network as VisionTransformer)?.Options.Heads,
        [ImageClassifier.ClassesName] = sets.Train.Classes.Select(name => (object?)name).ToList(),
        [ImageClassifier.ImageSizeName] = view.CropSize,
    };
}
