using DinoSharp.Cuda;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.InstanceClassification;

/// <summary>
/// Each image is a class of its own, and a classifier over all of them is learnt with the network (arXiv 1406.6909, 2006.14618). Its
/// weights grow with the images, and so does each step: the softmax goes over all classes, so all weights have a gradient.
/// </summary>
public sealed class InstanceMethod : TrainingMethod
{
    private readonly MultiCropEncoder _network;
    private readonly InstanceClassifier _classifier;
    private readonly Device _device;
    private readonly LossAndSpread _metrics;

    /// <exception cref="ArgumentException">There are more images than can be saved.</exception>
    public InstanceMethod(InstanceOptions options, MethodSetup setup)
    {
        ImageRows.CheckRoom(setup.Images, options.ProjectionDim);
        _device = setup.Device;
        _network = setup.CreateEncoder(trained: true, options.Head);
        _classifier = new InstanceClassifier(setup.Images, options.ProjectionDim, options.Similarity, options.Temperature);
        Trained = new TrainedParts(("network", _network), ("classifier", _classifier));
        Trained.to(_device);
        State = [StateSection.Of("model", _network), StateSection.Of("classifier", _classifier)];
        _metrics = new LossAndSpread(_device);
    }

    public override nn.Module Trained { get; }

    public override Backbone Backbone => _network.Backbone;

    public override IReadOnlyList<StateSection> State { get; }

    /// <summary>Cross-entropy with the images' own numbers, the mean over the views.</summary>
    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        var images = tensor([.. batch.Images], ScalarType.Int64).Bring(_device); // [B]
        // Each view by itself, as batch norm's statistics are of one view.
        var views = batch.Crops.SelectMany(crops => crops.chunk(crops.size(0) / images.size(0))).ToArray(); // V of [B, C, H, W]
        var outputs = views.Select(view => _network.Forward([view])).ToArray(); // V of [B, D]
        var loss = stack(outputs.Select(output => nn.functional.cross_entropy(_classifier.forward(output), images))).mean();
        _metrics.Add(loss, outputs[0]);
        return loss.MoveToOuterDisposeScope();
    }

    public override IReadOnlyList<(string Name, double Value)> TakeMetrics() => _metrics.Take();

    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        OutputSpread.IsCollapsed(metrics, step) ? "collapse: the network says the same of every image. Lower --lr, or raise --warmup-epochs" : null;

    public override void AbandonStep() => _metrics.Forget();

    public override void Dispose()
    {
        Trained.Dispose();
        _metrics.Dispose();
    }
}
