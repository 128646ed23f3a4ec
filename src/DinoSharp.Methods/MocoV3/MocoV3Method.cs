using DinoSharp.Distributed;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Training;
using DinoSharp.Training.Schedules;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Methods.MocoV3;

/// <summary>
/// Momentum contrast without a queue (arXiv 2104.02057, algorithm 1): either view's prediction has to find its image's key, by a slowly moving
/// encoder, among the keys of the batch. A transformer's patch embedding stays random (section 4.2).
/// </summary>
public sealed class MocoV3Method : TrainingMethod
{
    private const int Views = 2;

    /// <summary>How the names of a transformer's patch embedding begin.</summary>
    private const string PatchEmbedding = "patch_embed.";

    private readonly MocoV3Options _options;
    private readonly BatchShare _share;
    private readonly MultiCropEncoder _base;
    private readonly MultiCropEncoder _key;
    private readonly Sequential _predictor;
    private readonly CosineSchedule _momentum;
    private readonly LossAndSpread _metrics;

    /// <exception cref="ArgumentException">A batch has no other image to tell one from.</exception>
    public MocoV3Method(MocoV3Options options, MethodSetup setup)
    {
        if (setup.Training.BatchSize < 2)
        {
            throw new ArgumentException("MoCo v3 tells the images of a batch apart: give it at least 2 (--batch-size)");
        }

        (_options, _share) = (options, setup.Share);
        _base = setup.CreateEncoder(trained: true, options.Projector);
        _key = setup.CreateEncoder(trained: false, options.Projector);
        _predictor = setup.Place(MlpHead.Create(options.ProjectionDim, options.Predictor(Backbone is not ResNet)));
        MovingAverage.Start(_key, _base);
        if (options.FrozenPatches && Backbone is VisionTransformer)
        {
            foreach (var (_, parameter) in Backbone.named_parameters().Where(p => p.name.StartsWith(PatchEmbedding, StringComparison.Ordinal)))
            {
                parameter.requires_grad = false;
            }
        }

        _momentum = new CosineSchedule(options.KeyMomentum, 1, setup.Plan.TotalSteps);
        Trained = new TrainedParts(("base", _base), ("predictor", _predictor));
        State = [StateSection.Of("base", _base), StateSection.Of("key", _key), StateSection.Of("predictor", _predictor)];
        _metrics = new LossAndSpread(setup.Device);
    }

    public override nn.Module Trained { get; }

    /// <summary>The base encoder's, as published.</summary>
    public override Backbone Backbone => _base.Backbone;

    public override IReadOnlyList<StateSection> State { get; }

    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        // Each view by itself, as batch norm's statistics are of one view.
        var views = batch.Crops[0].chunk(Views); // 2 of [B, C, H, W]
        Tensor[] keys; // 2 of [N, D], of all processes
        using (no_grad())
        {
            keys = [.. views.Select(view => _share.Whole(_key.Forward([view])))];
        }

        var queries = views.Select(view => _predictor.forward(_base.Forward([view]))).ToArray(); // 2 of [B, D]
        var loss = Loss(queries[0], keys[1]) + Loss(queries[1], keys[0]);
        _metrics.Add(loss, keys[0]);
        return loss.MoveToOuterDisposeScope();
    }

    private Tensor Loss(Tensor queries, Tensor keys) => MocoV3Loss.Of(queries, keys, _options.Temperature, _share.First);

    public override void AfterOptimizerStep(TrainingStep step) => MovingAverage.Update(_key, _base, _momentum.At(step.Index));

    public override IReadOnlyList<(string Name, double Value)> TakeMetrics() => _metrics.Take();

    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        OutputSpread.IsCollapsed(metrics, step)
            ? "collapse: the keys of all images are the same. Lower --lr, raise --key-momentum, or keep --frozen-patches on" : null;

    public override void AbandonStep() => _metrics.Forget();

    public override void Dispose()
    {
        Trained.Dispose();
        _key.Dispose();
        _metrics.Dispose();
    }
}
