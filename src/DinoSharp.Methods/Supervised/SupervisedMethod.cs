using DinoSharp.Distributed;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Supervised;

/// <summary>
/// Training with labels: a network and a linear classifier on its feature learn together, from pre-trained weights (fine-tuning) or from
/// none. The recipe is DeiT's (arXiv 2012.12877) in so far as its options are on.
/// </summary>
public sealed class SupervisedMethod : TrainingMethod
{
    private readonly SupervisedOptions _options;
    private readonly IImageTargets _labels;
    private readonly Mixing _mixing;
    private readonly Device _device;
    private readonly MultiCropEncoder _network;
    private readonly MultiCropEncoder? _average;
    private readonly MeanLoss _loss;

    /// <param name="backbone">network that trains, with stochastic depth if wanted; from now on this method's</param>
    /// <param name="average">a network of the same shape for the moving average, if the options have one; its values are replaced</param>
    /// <param name="options">settings of the method</param>
    /// <param name="labels">of the images, hard or soft</param>
    /// <param name="device">where it all lives</param>
    /// <param name="share">which images of a batch are this process's; null for all</param>
    /// <exception cref="ArgumentException">A setting makes no sense.</exception>
    public SupervisedMethod(
        Backbone backbone, Backbone? average, SupervisedOptions options, IImageTargets labels, Device device, BatchShare? share = null)
    {
        options.Validate();
        if (average is null != (options.AverageMomentum == 0))
        {
            throw new ArgumentException("a moving average needs a network for it, and no other training does", nameof(average));
        }

        (_options, _labels, _device) = (options, labels, device);
        _mixing = new Mixing(options);
        _network = Classifier(backbone);
        Groups = ParameterGroups.Of(_network, name => LayerDecay.ScaleOf(backbone, name, options.LayerDecay));
        State = [ClassifierState.Of("model", _network)];
        if (average is not null)
        {
            _average = Classifier(average);
            MovingAverage.Start(_average, _network);
            State = [.. State, ClassifierState.Of("model_ema", _average)];
        }

        _network.train();
        _loss = new MeanLoss(1, device);

        MultiCropEncoder Classifier(Backbone features)
        {
            var network = new MultiCropEncoder(
                features, LinearClassifier.Create(features.FeatureDim, labels.Classes, LinearClassifier.FineTuningDeviation), options.Dropout);
            network.to(device);
            network.ShareBatch(share);
            return network;
        }
    }

    public override nn.Module Trained => _network;

    public override ParameterGroups Groups { get; }

    /// <summary>The moving average where there is one, else the network that trains.</summary>
    public override Backbone Backbone => Used.Backbone;

    public override IReadOnlyList<StateSection> State { get; }

    public override IReadOnlyDictionary<string, object?> Arguments => ClassifierState.Arguments(_labels.Names);

    private MultiCropEncoder Used => _average ?? _network;

    /// <summary>Cross-entropy with smoothed and mixed targets.</summary>
    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        var ofImages = Smoothed(_labels.Targets(batch, _device)); // [B, C]
        var (views, targets) = _mixing.Apply(batch.Crops[0], ofImages.repeat(_options.Repeats, 1), step.Index); // [V B, C, H, W], [V B, C]
        var logits = _network.Forward([views]); // [V B, C]
        var loss = -(targets * logits.log_softmax(1)).sum(1).mean();
        _loss.Add(loss.detach());
        return loss.MoveToOuterDisposeScope();
    }

    public override void AfterOptimizerStep(TrainingStep step)
    {
        if (_average is not null)
        {
            MovingAverage.Update(_average, _network, _options.AverageMomentum);
            MovingAverage.CopyBuffers(_average, _network);
        }
    }

    /// <summary>What the network to use says of images, in evaluation mode.</summary>
    /// <param name="images">normalised // [B, C, H, W]</param>
    /// <returns>// [B, C]</returns>
    public Tensor Logits(Tensor images)
    {
        bool training = Used.training;
        Used.eval();
        try
        {
            using var inference = inference_mode();
            return Used.Forward([images]);
        }
        finally
        {
            Used.train(training);
        }
    }

    public override IReadOnlyList<(string Name, double Value)> TakeMetrics() => [("loss", _loss.Take()[0])];

    public override void AbandonStep() => _loss.Forget();

    public override void Dispose()
    {
        _network.Dispose();
        _average?.Dispose();
        _loss.Dispose();
    }

    /// <summary>The targets with a share of them spread over all classes.</summary>
    /// <param name="targets">// [B, C]</param>
    /// <returns>// [B, C]</returns>
    private Tensor Smoothed(Tensor targets)
    {
        double spread = _options.LabelSmoothing / _labels.Classes;
        return targets.mul(1 - _options.LabelSmoothing).add_(spread);
    }
}
