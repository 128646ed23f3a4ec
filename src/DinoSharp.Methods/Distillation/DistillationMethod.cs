using DinoSharp.Methods.Supervised;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Distillation;

/// <summary>
/// A student learns what a trained network says of images (arXiv 1503.02531): of the same view, both are asked. Labels are not needed;
/// where there are some, they may have a share.
/// </summary>
public sealed class DistillationMethod : TrainingMethod
{
    private readonly DistillationOptions _options;
    private readonly ImageLabels? _labels;
    private readonly Device _device;
    private readonly Teacher _teacher;
    private readonly MultiCropEncoder _student;
    private readonly LossAndSpread _metrics;

    /// <exception cref="ArgumentException">The teacher does not fit the images or the student.</exception>
    /// <exception cref="Checkpoints.CheckpointException">The teacher's file is missing, damaged or of another kind.</exception>
    public DistillationMethod(DistillationOptions options, MethodSetup setup)
    {
        (_options, _labels, _device) = (options, options.LabelShare > 0 ? setup.Labels : null, setup.Device);
        bool classifies = options.TeacherOutput == TeacherOutput.Logits;
        var backbone = setup.CreateBackbone(true);
        _teacher = Teacher.Open(options, setup, backbone.InputChannels);
        var head = classifies
            ? LinearClassifier.Create(backbone.FeatureDim, _teacher.Dim, LinearClassifier.FineTuningDeviation)
            : nn.Linear(backbone.FeatureDim, _teacher.Dim);
        _student = setup.Place(new MultiCropEncoder(backbone, head));
        State = classifies
            ? [ClassifierState.Of("model", _student)]
            : [StateSection.Of("model", backbone), StateSection.Of("projection", head)];
        Inputs = [("teacher", _teacher.Fingerprint)];
        Arguments = ClassifierState.Arguments(_teacher.Classes);
        _metrics = new LossAndSpread(_device);
    }

    public override nn.Module Trained => _student;

    public override Backbone Backbone => _student.Backbone;

    /// <summary>The student's; the teacher never moves and is read from its file again.</summary>
    public override IReadOnlyList<StateSection> State { get; }

    public override IReadOnlyList<(string Name, string Fingerprint)> Inputs { get; }

    public override IReadOnlyDictionary<string, object?> Arguments { get; }

    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        var images = batch.Crops[0]; // [B, C, H, W]
        var outputs = _student.Forward([images]); // [B, D]
        var targets = _teacher.Of(images); // [B, D]
        var loss = _options.TeacherOutput == TeacherOutput.Features
            ? DistillationLoss.OfFeatures(outputs, targets)
            : DistillationLoss.OfLogits(outputs, targets, _options.Temperature);
        if (_labels is not null)
        {
            var ofLabels = nn.functional.cross_entropy(outputs, _labels.Of(batch, _device));
            loss = loss * (1 - _options.LabelShare) + ofLabels * _options.LabelShare;
        }

        _metrics.Add(loss, outputs);
        return loss.MoveToOuterDisposeScope();
    }

    public override IReadOnlyList<(string Name, double Value)> TakeMetrics() => _metrics.Take();

    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        OutputSpread.IsCollapsed(metrics, step)
            ? "collapse: the student says the same of every image. Lower --lr, and see whether --teacher-weights tells these images apart" : null;

    public override void AbandonStep() => _metrics.Forget();

    public override void Dispose()
    {
        _student.Dispose();
        _teacher.Dispose();
        _metrics.Dispose();
    }
}
