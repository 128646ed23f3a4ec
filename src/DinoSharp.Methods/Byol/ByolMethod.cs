using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Training;
using DinoSharp.Training.Schedules;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Byol;

/// <summary>
/// Bootstrap your own latent (arXiv 2006.07733): the online network predicts, from one view, what the target network, its moving average,
/// says of the other view. There are no negative pairs.
/// </summary>
public sealed class ByolMethod : TrainingMethod
{
    private const int Views = 2;

    private readonly MultiCropEncoder _online;
    private readonly MultiCropEncoder _target;
    private readonly Sequential _predictor;
    private readonly CosineSchedule _momentum;
    private readonly LossAndSpread _metrics;

    public ByolMethod(ByolOptions options, MethodSetup setup)
    {
        _online = setup.CreateEncoder(trained: true, options.Head);
        _target = setup.CreateEncoder(trained: false, options.Head);
        _predictor = setup.Place(MlpHead.Create(options.ProjectionDim, options.Head));
        MovingAverage.Start(_target, _online);
        _momentum = new CosineSchedule(options.TargetMomentum, 1, setup.Plan.TotalSteps);
        Trained = new TrainedParts(("online", _online), ("predictor", _predictor));
        State = [StateSection.Of("online", _online), StateSection.Of("target", _target), StateSection.Of("predictor", _predictor)];
        _metrics = new LossAndSpread(setup.Device);
    }

    public override nn.Module Trained { get; }

    /// <summary>The online network's, as published.</summary>
    public override Backbone Backbone => _online.Backbone;

    public override IReadOnlyList<StateSection> State { get; }

    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        // Each view by itself, as batch norm's statistics are of one view.
        var views = batch.Crops[0].chunk(Views); // 2 of [B, C, H, W]
        Tensor[] targets; // 2 of [B, D]
        using (no_grad())
        {
            targets = [.. views.Select(view => _target.Forward([view]))];
        }

        var predictions = views.Select(view => _predictor.forward(_online.Forward([view]))).ToArray(); // 2 of [B, D]
        var loss = ByolLoss.Of(predictions[0], targets[1]) + ByolLoss.Of(predictions[1], targets[0]);
        _metrics.Add(loss, targets[0]);
        return loss.MoveToOuterDisposeScope();
    }

    public override void AfterOptimizerStep(TrainingStep step) => MovingAverage.Update(_target, _online, _momentum.At(step.Index));

    public override IReadOnlyList<(string Name, double Value)> TakeMetrics() => _metrics.Take();

    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        OutputSpread.IsCollapsed(metrics, step)
            ? "collapse: the target says the same of every image. Raise --target-momentum, or lower --lr" : null;

    public override void AbandonStep() => _metrics.Forget();

    public override void Dispose()
    {
        Trained.Dispose();
        _target.Dispose();
        _metrics.Dispose();
    }
}
