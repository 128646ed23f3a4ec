using DinoSharp.Distributed;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Linear;

/// <summary>
/// Linear classifiers on a frozen backbone (arXiv 2104.14294, section 4.1 and appendix F.2). One trains for each learning rate, all on the
/// same features: a pass over the images costs the same for many as for one.
/// </summary>
public sealed class LinearMethod : TrainingMethod
{
    private readonly ClassifierSet _classifiers;
    private readonly IReadOnlyList<double> _rates;
    private readonly Func<Tensor, Tensor> _features;
    private readonly ImageLabels _labels;
    private readonly Device _device;
    private readonly ProcessGroup _group;
    private readonly MeanLoss _losses;

    /// <param name="backbone">frozen, on the device; stays the caller's to dispose</param>
    /// <param name="features">from a batch's first crops to features // [B, C, H, W] to [B, D]</param>
    /// <param name="featureDim">length D of a feature</param>
    /// <param name="labels">of the images</param>
    /// <param name="rates">learning rates, one a classifier; the largest is the one of the training's options</param>
    /// <param name="device">where it all lives</param>
    /// <param name="group">processes that share each batch</param>
    /// <exception cref="ArgumentException">There is no rate, or one is not above 0.</exception>
    public LinearMethod(
        Backbone backbone,
        Func<Tensor, Tensor> features,
        int featureDim,
        ImageLabels labels,
        IReadOnlyList<double> rates,
        Device device,
        ProcessGroup group)
    {
        if (rates.Count == 0 || rates.Any(rate => !(rate > 0)))
        {
            throw new ArgumentException("a linear evaluation needs at least one learning rate, each above 0");
        }

        (Backbone, _features, _labels, _device, _group) = (backbone, features, labels, device, group);
        _rates = [.. rates];
        _classifiers = new ClassifierSet(rates.Count, featureDim, labels.Classes);
        _classifiers.to(device);
        _losses = new MeanLoss(rates.Count, device);
        double largest = rates.Max();
        Groups = ParameterGroups.Of(_classifiers, name => rates[ClassifierSet.IndexOf(name)] / largest);
        State = [StateSection.Of("classifiers", _classifiers)];
    }

    public override nn.Module Trained => _classifiers;

    public override ParameterGroups Groups { get; }

    public override Backbone Backbone { get; }

    public override IReadOnlyList<StateSection> State { get; }

    /// <summary>Learning rates, one a classifier.</summary>
    public IReadOnlyList<double> Rates => _rates;

    /// <summary>The mean cross-entropy of each classifier, summed: none sees another's gradient.</summary>
    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        Tensor features; // [B, D]
        using (no_grad())
        {
            features = _features(batch.Crops[0]);
        }

        var labels = _labels.Of(batch, _device); // [B]
        var losses = stack([.. _classifiers.All.Select(c => nn.functional.cross_entropy(c.forward(features), labels))]); // [rates]
        _losses.Add(losses);
        return losses.sum().MoveToOuterDisposeScope();
    }

    /// <summary>What each classifier says of features.</summary>
    /// <param name="features">// [B, D]</param>
    /// <returns>one tensor a rate // [B, C]</returns>
    public IReadOnlyList<Tensor> Logits(Tensor features)
    {
        using var noGradients = no_grad();
        return [.. _classifiers.All.Select(classifier => classifier.forward(features))];
    }

    /// <summary>The classifier of a rate, live.</summary>
    public TorchSharp.Modules.Linear Classifier(int index) => _classifiers.All[index];

    /// <returns>the loss of the classifier that has the lowest, and the number of its rate</returns>
    public override IReadOnlyList<(string Name, double Value)> TakeMetrics()
    {
        // The best over all processes: each by itself might find another.
        var (loss, best) = _group.Mean([.. _losses.Take().Select(own => ("loss", (double)own))]).Select((mean, rate) => (mean.Value, rate)).Min();
        return [("loss", loss), ("best_rate", _rates[best])];
    }

    public override void AbandonStep() => _losses.Forget();

    public override void Dispose()
    {
        _classifiers.Dispose();
        _losses.Dispose();
    }
}
