using DinoSharp.Distributed;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.MocoV2;

/// <summary>
/// Momentum contrast (arXiv 1911.05722) with the head, views and schedule of version 2 (arXiv 2003.04297): a query has to find its image's
/// key, by a slowly moving encoder, among those of a queue.
/// </summary>
public sealed class MocoV2Method : TrainingMethod
{
    private const int Views = 2;

    private readonly MocoV2Options _options;
    private readonly BatchShare _share;
    private readonly MomentumEncoders _encoders;
    private readonly QueuedKeys _queue;
    private readonly LossAndSpread _metrics;

    /// <exception cref="ArgumentException">Queue or groups do not fit the batch.</exception>
    public MocoV2Method(MocoV2Options options, MethodSetup setup)
    {
        QueueSettings.CheckBatch(options.QueueSize, setup.Training.BatchSize);
        (_options, _share) = (options, setup.Share);
        _encoders = new MomentumEncoders(setup, options.Head, options.NormGroups);
        _queue = new QueuedKeys(options.QueueSize, options.ProjectionDim, setup.Device);
        State = [StateSection.Of("query", _encoders.Query), StateSection.Of("key", _encoders.Key), _queue.State];
        _metrics = new LossAndSpread(setup.Device);
    }

    public override nn.Module Trained => _encoders.Query;

    /// <summary>The query encoder's, as published.</summary>
    public override Backbone Backbone => _encoders.Query.Backbone;

    public override IReadOnlyList<StateSection> State { get; }

    public override int LeastImages => _encoders.LeastImages;

    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        var views = batch.Crops[0].chunk(Views); // 2 of [B, C, H, W]
        var keys = _encoders.Keys(views[1]); // [B, D]
        var loss = MocoLoss.Of(_encoders.Queries(views[0]), keys, _queue.Keys, _options.Temperature);
        _queue.Stage(_share.Whole(keys));
        _metrics.Add(loss, keys);
        return loss.MoveToOuterDisposeScope();
    }

    public override void AfterOptimizerStep(TrainingStep step)
    {
        _queue.Commit();
        MovingAverage.Update(_encoders.Key, _encoders.Query, _options.KeyMomentum);
    }

    public override IReadOnlyList<(string Name, double Value)> TakeMetrics() => _metrics.Take();

    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        OutputSpread.IsCollapsed(metrics, step)
            ? "collapse: the keys of all images are the same. Lower --lr, or raise --key-momentum" : null;

    public override void AbandonStep()
    {
        _queue.Drop();
        _metrics.Forget();
    }

    public override void Dispose()
    {
        _encoders.Dispose();
        _queue.Dispose();
        _metrics.Dispose();
    }
}
