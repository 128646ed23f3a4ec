using DinoSharp.Distributed;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.BarlowTwins;

/// <summary>
/// Barlow Twins (arXiv 2103.03230): two views of an image shall have the same projection, each coordinate of which says something of its
/// own. There is no second network and there are no negative pairs.
/// </summary>
public sealed class BarlowTwinsMethod : TrainingMethod
{
    private const int Views = 2;

    private readonly BarlowTwinsOptions _options;
    private readonly ProcessGroup _group;
    private readonly MultiCropEncoder _encoder;
    private readonly LossAndSpread _metrics;

    /// <exception cref="ArgumentException">The batch is a single image.</exception>
    public BarlowTwinsMethod(BarlowTwinsOptions options, MethodSetup setup)
    {
        (_options, _group) = (options, setup.Group);
        if (setup.Training.BatchSize < 2)
        {
            throw new ArgumentException("a batch of 1 image has no correlations: raise --batch-size");
        }

        _encoder = setup.CreateEncoder(trained: true, options.Projector);
        HashSet<string> flat = [.. _encoder.named_parameters().Where(p => p.parameter.dim() == 1).Select(p => p.name)];
        Groups = ParameterGroups.Of(_encoder, name => flat.Contains(name) ? options.BiasRateScale : 1);
        State = [StateSection.Of("model", _encoder)];
        _metrics = new LossAndSpread(setup.Device);
    }

    public override nn.Module Trained => _encoder;

    public override ParameterGroups Groups { get; }

    public override Backbone Backbone => _encoder.Backbone;

    public override IReadOnlyList<StateSection> State { get; }

    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        // Each view by itself, as batch norm's statistics are of one view.
        var projections = batch.Crops[0].chunk(Views).Select(view => _encoder.Forward([view])).ToArray(); // 2 of [B, D]
        var loss = BarlowTwinsLoss.Of(projections[0], projections[1], _options.RedundancyWeight, _group);
        _metrics.Add(loss, projections[0]);
        return loss.MoveToOuterDisposeScope();
    }

    public override IReadOnlyList<(string Name, double Value)> TakeMetrics() => _metrics.Take();

    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        OutputSpread.IsCollapsed(metrics, step)
            ? "collapse: the projections of all images are alike. Lower --lr, or raise --batch-size" : null;

    public override void AbandonStep() => _metrics.Forget();

    public override void Dispose()
    {
        _encoder.Dispose();
        _metrics.Dispose();
    }
}
