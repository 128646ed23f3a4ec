using DinoSharp.Checkpoints;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Distillation;

/// <summary>A trained network that is asked what it says of images, in evaluation mode and without gradients.</summary>
internal sealed class Teacher : IDisposable
{
    private readonly Backbone _backbone;
    private readonly ImageClassifier? _classifier;

    private Teacher(Backbone backbone, ImageClassifier? classifier)
    {
        (_backbone, _classifier) = (backbone, classifier);
        Dim = classifier?.Classes.Count ?? backbone.FeatureDim;
        string values = classifier?.Fingerprint ?? WeightsFingerprint.Of(backbone);
        Fingerprint = $"{BackboneCatalogue.Label(backbone)}, values {values}";
    }

    /// <summary>Length of what it says.</summary>
    public int Dim { get; }

    /// <summary>Names of its classes; empty where its file has none.</summary>
    public IReadOnlyList<string> Classes => _classifier is { HasClassNames: true } ? _classifier.Classes : [];

    /// <summary>The network and its values, wherever its file lies.</summary>
    public string Fingerprint { get; }

    /// <summary>The network of a file.</summary>
    /// <param name="options">where it is, and what of it is learnt</param>
    /// <param name="setup">of the student's training</param>
    /// <param name="channels">of the student's images</param>
    /// <exception cref="ArgumentException">One line: it does not fit the training.</exception>
    /// <exception cref="CheckpointException">The file is missing, damaged or of another kind.</exception>
    public static Teacher Open(DistillationOptions options, MethodSetup setup, int channels)
    {
        var file = WeightsFile.Open(options.TeacherWeights);
        bool classifies = options.TeacherOutput == TeacherOutput.Logits;
        if (classifies && !ImageClassifier.IsIn(file))
        {
            throw new ArgumentException(
                $"{options.TeacherWeights}: holds a backbone without a classifier: give a trained classifier, or --teacher-output features");
        }

        var classifier = classifies ? ImageClassifier.Open(file) : null;
        var teacher = new Teacher(classifier?.Backbone ?? Pretrained.Load(file).Backbone, classifier);
        try
        {
            teacher.RequireFit(options, setup, channels);
            teacher._backbone.to(setup.Device);
            classifier?.To(setup.Device);
            return teacher;
        }
        catch
        {
            teacher.Dispose();
            throw;
        }
    }

    /// <summary>What it says of images.</summary>
    /// <param name="images">normalised // [B, C, H, W]</param>
    /// <returns>logits or features // [B, Dim]</returns>
    public Tensor Of(Tensor images)
    {
        using var noGradients = no_grad();
        return _classifier?.Logits(images) ?? _backbone.forward(images);
    }

    public void Dispose()
    {
        if (_classifier is null)
        {
            _backbone.Dispose();
        }
        else
        {
            _classifier.Dispose(); // and its backbone
        }
    }

    private void RequireFit(DistillationOptions options, MethodSetup setup, int channels)
    {
        string? fault =
            _backbone.InputChannels != channels
                ? $"takes images of {_backbone.InputChannels} channels, and the student of {channels}: set --channels" :
            setup.Views.GlobalSize < _backbone.MinimumImageSide
                ? $"cannot take views of {setup.Views.GlobalSize} pixels: give --global-crops-size {_backbone.MinimumImageSide} or more" :
            options.LabelShare == 0 ? null :
            setup.Labels is not { } labels
                ? "is to be learnt beside the images' labels, and they have none: leave out --label-share, or give class folders (CLASS/*.jpg)" :
            labels.Classes != Dim || (Classes.Count > 0 && labels.Names.Count > 0 && !Classes.SequenceEqual(labels.Names))
                ? $"knows {Dim} classes{Few(Classes)} and {labels.Path} has {labels.Classes}{Few(labels.Names)}: " +
                    "leave out --label-share, or give images of its classes"
                : null;
        if (fault is not null)
        {
            throw new ArgumentException($"{options.TeacherWeights}: the teacher {fault}");
        }
    }

    private static string Few(IReadOnlyList<string> names)
    {
        const int shown = 3;
        return names.Count == 0 ? "" : $" ({string.Join(", ", names.Take(shown))}{(names.Count > shown ? ", ..." : "")})";
    }
}
