using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
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
    private readonly MeanLoss _loss;
    private readonly OutputSpread _spread;

    public InstanceMethod(InstanceOptions options, MethodSetup setup)
    {
        _device = setup.Device;
        var backbone = setup.CreateBackbone(true);
        _network = new MultiCropEncoder(backbone, MlpHead.Create(backbone.FeatureDim, options.Head));
        _classifier = new InstanceClassifier(setup.Images, options.ProjectionDim, options.Similarity, options.Temperature);
        Trained = new TrainedParts(("network", _network), ("classifier", _classifier));
        Trained.to(_device);
        State = [StateSection.Of("model", _network), StateSection.Of("classifier", _classifier)];
        _loss = new MeanLoss(1, _device);
        _spread = new OutputSpread(_device);
    }

    public override nn.Module Trained { get; }

    public override Backbone Backbone => _network.Backbone;

    public override IReadOnlyList<StateSection> State { get; }

    /// <summary>Cross-entropy with the images' own numbers, the mean over the views.</summary>
    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        var images = tensor([.. batch.Images], ScalarType.Int64, _device); // [B]
        // Each view by itself, as batch norm's statistics are of one view.
        var views = batch.Crops.SelectMany(crops => crops.chunk(crops.size(0) / images.size(0))).ToArray(); // V of [B, C, H, W]
        var losses = new Tensor[views.Length];
        for (int view = 0; view < views.Length; view++)
        {
            var outputs = _network.Forward([views[view]]); // [B, D]
            losses[view] = nn.functional.cross_entropy(_classifier.forward(outputs), images);
            if (view == 0)
            {
                _spread.Add(outputs);
            }
        }

        var loss = stack(losses).mean();
        _loss.Add(loss.detach());
        return loss.MoveToOuterDisposeScope();
    }

    public override IReadOnlyList<(string Name, double Value)> TakeMetrics() =>
        [("loss", _loss.Take()[0]), (OutputSpread.Name, _spread.Take())];

    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        OutputSpread.IsCollapsed(metrics, step) ? "collapse: the network says the same of every image. Lower --lr, or raise --warmup-epochs" : null;

    public override void AbandonStep()
    {
        _loss.Forget();
        _spread.Forget();
    }

    public override void Dispose()
    {
        Trained.Dispose();
        _loss.Dispose();
        _spread.Dispose();
    }
}
