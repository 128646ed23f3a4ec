using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Methods.SimSiam;

/// <summary>SimSiam (arXiv 2011.10566, algorithm 1): each view's prediction of the other view, without a moving average.</summary>
public sealed class SimSiamMethod : TrainingMethod
{
    private readonly MultiCropEncoder _encoder;
    private readonly Sequential _predictor;
    private readonly LossAndSpread _metrics;

    public SimSiamMethod(SimSiamOptions options, MethodSetup setup)
    {
        var backbone = setup.CreateBackbone(true);
        _encoder = setup.Place(new MultiCropEncoder(backbone, MlpHead.Create(backbone.FeatureDim, options.Projector)));
        _predictor = setup.Place(MlpHead.Create(options.ProjectionDim, options.Predictor));
        Trained = new TrainedParts(("encoder", _encoder), ("predictor", _predictor));
        State = [StateSection.Of("encoder", _encoder), StateSection.Of("predictor", _predictor)];
        _metrics = new LossAndSpread(setup.Device);
    }

    public override nn.Module Trained { get; }

    public override Backbone Backbone => _encoder.Backbone;

    public override IReadOnlyList<StateSection> State { get; }

    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        var z = batch.Crops[0].chunk(2).Select(view => _encoder.Forward([view])).ToArray(); // 2 of [B, D]
        var p = z.Select(_predictor.forward).ToArray(); // 2 of [B, D]
        var loss = (SimSiamLoss.Of(p[0], z[1]) + SimSiamLoss.Of(p[1], z[0])) / 2;
        _metrics.Add(loss, z[0]);
        return loss.MoveToOuterDisposeScope();
    }

    public override IReadOnlyList<(string Name, double Value)> TakeMetrics() => _metrics.Take();

    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        OutputSpread.IsCollapsed(metrics, step) ? "collapse: every image has the same projection. Lower --lr" : null;

    public override void AbandonStep() => _metrics.Forget();

    public override void Dispose()
    {
        Trained.Dispose();
        _metrics.Dispose();
    }
}
