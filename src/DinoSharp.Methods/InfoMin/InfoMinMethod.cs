using DinoSharp.Distributed;
using DinoSharp.Methods.MocoV2;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.InfoMin;

/// <summary>
/// Contrast of views that share as little as possible (arXiv 2005.10243): momentum contrast with a queue, with views changed strongly,
/// and with a jigsaw of the image (PIRL, arXiv 1912.01991) as a second query.
/// </summary>
public sealed class InfoMinMethod : TrainingMethod
{
    private const int GlobalViews = 2;

    private readonly InfoMinOptions _options;
    private readonly BatchShare _share;
    private readonly MomentumEncoders _encoders;
    private readonly JigsawHead _jigsawHead;
    private readonly QueuedKeys _queue;
    private readonly MeanLoss _losses;
    private readonly OutputSpread _spread;

    /// <exception cref="ArgumentException">Queue, groups or views do not fit the training.</exception>
    public InfoMinMethod(InfoMinOptions options, MethodSetup setup)
    {
        InfoMinRecipe.CheckViews(setup.Views);
        QueueSettings.CheckBatch(options.QueueSize, setup.Training.BatchSize);
        (_options, _share) = (options, setup.Share);
        _encoders = new MomentumEncoders(setup, options.Head, options.NormGroups);
        int piece = setup.Views.LocalSize / JigsawView.Grid;
        if (piece < Backbone.MinimumImageSide)
        {
            throw new ArgumentException(
                $"a jigsaw's piece of {piece} pixels is too small for the network, which takes {Backbone.MinimumImageSide}: "
                + "raise --local-crops-size");
        }

        _jigsawHead = new JigsawHead(Backbone.FeatureDim, options.Head, _share);
        _jigsawHead.to(setup.Device);
        _queue = new QueuedKeys(options.QueueSize, options.ProjectionDim, setup.Device);
        Trained = new TrainedParts(("query", _encoders.Query), ("jigsaw", _jigsawHead));
        State =
        [
            StateSection.Of("query", _encoders.Query),
            StateSection.Of("jigsaw", _jigsawHead),
            StateSection.Of("key", _encoders.Key),
            _queue.State,
        ];
        _losses = new MeanLoss(2, setup.Device);
        _spread = new OutputSpread(setup.Device);
    }

    public override nn.Module Trained { get; }

    /// <summary>The query encoder's, as published.</summary>
    public override Backbone Backbone => _encoders.Query.Backbone;

    public override IReadOnlyList<StateSection> State { get; }

    public override int LeastImages => _encoders.LeastImages;

    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        // A jigsaw of the views' own size comes in one tensor with them.
        var crops = batch.Crops.Count == 1 ? batch.Crops[0].chunk(GlobalViews + 1) : [.. batch.Crops[0].chunk(GlobalViews), batch.Crops[1]];
        var keys = _encoders.Keys(crops[1]); // [B, D]
        var pieces = _encoders.InGroups(JigsawView.Split(crops[2]), JigsawView.Pieces, Backbone.forward); // [9 B, F]
        var (loss, jigsaw) = InfoMinLoss.Of(
            _encoders.Queries(crops[0]), _jigsawHead.Forward(pieces), keys, _queue.Keys, _options.Temperature, _options.JigsawWeight);
        _queue.Stage(_share.Whole(keys));
        _losses.Add(stack([loss.detach(), jigsaw.detach()]));
        _spread.Add(keys);
        return loss.MoveToOuterDisposeScope();
    }

    public override void AfterOptimizerStep(TrainingStep step)
    {
        _queue.Commit();
        MovingAverage.Update(_encoders.Key, _encoders.Query, _options.KeyMomentum);
    }

    public override IReadOnlyList<(string Name, double Value)> TakeMetrics()
    {
        float[] losses = _losses.Take();
        return [("loss", losses[0]), ("jigsaw_loss", losses[1]), (OutputSpread.Name, _spread.Take())];
    }

    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        OutputSpread.IsCollapsed(metrics, step)
            ? "collapse: the keys of all images are the same. Lower --lr, or raise --key-momentum" : null;

    public override void AbandonStep()
    {
        _queue.Drop();
        _losses.Forget();
        _spread.Forget();
    }

    public override void Dispose()
    {
        Trained.Dispose();
        _encoders.Dispose();
        _queue.Dispose();
        _losses.Dispose();
        _spread.Dispose();
    }
}
