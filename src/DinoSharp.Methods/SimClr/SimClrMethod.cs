using DinoSharp.Distributed;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.SimClr;

/// <summary>
/// A simple framework for contrastive learning (arXiv 2002.05709): two views of an image attract each other, the views of all other
/// images of the batch repel them.
/// </summary>
public sealed class SimClrMethod : TrainingMethod
{
    private const int Views = 2;

    private readonly SimClrOptions _options;
    private readonly BatchShare _share;
    private readonly MultiCropEncoder _encoder;
    private readonly LossAndSpread _metrics;

    /// <exception cref="ArgumentException">A batch has no other image to tell one from.</exception>
    public SimClrMethod(SimClrOptions options, MethodSetup setup)
    {
        if (setup.Training.BatchSize < 2)
        {
            throw new ArgumentException("SimCLR tells the images of a batch apart: give it at least 2 (--batch-size)");
        }

        (_options, _share) = (options, setup.Share);
        _encoder = setup.CreateEncoder(trained: true, options.Head);
        State = [StateSection.Of("encoder", _encoder)];
        _metrics = new LossAndSpread(setup.Device);
    }

    public override nn.Module Trained => _encoder;

    public override Backbone Backbone => _encoder.Backbone;

    public override IReadOnlyList<StateSection> State { get; }

    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        // Both views in one pass, as batch norm's statistics are of both, so that they do not tell a view's number.
        var projections = _share.WholeWithGradients(_encoder.Forward([batch.Crops[0]])).chunk(Views); // 2 of [B, D], of all processes
        var loss = NtXentLoss.Of(projections[0], projections[1], _options.Temperature);
        _metrics.Add(loss, projections[0]);
        return loss.MoveToOuterDisposeScope();
    }

    public override IReadOnlyList<(string Name, double Value)> TakeMetrics() => _metrics.Take();

    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        OutputSpread.IsCollapsed(metrics, step)
            ? "collapse: the projections of all images are the same. Lower --lr, or raise --warmup-epochs" : null;

    public override void AbandonStep() => _metrics.Forget();

    public override void Dispose()
    {
        _encoder.Dispose();
        _metrics.Dispose();
    }
}
