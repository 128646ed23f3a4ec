using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Training;
using DinoSharp.Training.Schedules;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Obow;

/// <summary>
/// Online bags of visual words (arXiv 2012.11552): from a crop the student predicts which visual words its teacher, a moving average, finds
/// in the whole image. The words are recent features of the teacher, and the student's classifier of them is generated from them.
/// </summary>
public sealed class ObowMethod : TrainingMethod
{
    private const string InformationName = "target_information";

    private readonly ObowOptions _options;
    private readonly int _batchSize;
    private readonly int[] _crops;
    private readonly Backbone _student;
    private readonly Backbone _teacher;
    private readonly Sequential[] _generators;
    private readonly Vocabulary[] _vocabularies;
    private readonly CosineSchedule _momentum;
    private readonly MeanLoss _loss;
    private readonly OutputInformation _information;

    /// <exception cref="ArgumentException">The network has no feature maps, or a batch is larger than the vocabulary.</exception>
    public ObowMethod(ObowOptions options, MethodSetup setup)
    {
        (_options, _batchSize) = (options, setup.Training.BatchSize);
        if (options.VisualWords < _batchSize)
        {
            throw new ArgumentException(
                $"{options.VisualWords} visual words are renewed by each batch of {_batchSize} images: raise --visual-words");
        }

        // Crops of one kind are averaged, then the kinds added, as published.
        _crops = [.. new[] { setup.Views.GlobalCount, setup.Views.LocalCount }.Where(count => count > 0)];
        _student = setup.Place(setup.CreateBackbone(true));
        _teacher = setup.Place(setup.CreateBackbone(false));
        if (_teacher is not IFeatureMaps maps)
        {
            throw new ArgumentException(
                $"{_teacher.GetName()} has no feature maps to find visual words in: take a ResNet or a Vision Transformer");
        }

        MovingAverage.Start(_teacher, _student);
        int dim = _student.FeatureDim;
        _generators =
        [
            .. maps.MapDims.Select(channels => MlpHead.Create(channels, new() { Layers = 2, HiddenDim = 2 * dim, OutputDim = dim })),
        ];
        foreach (var generator in _generators)
        {
            generator.to(setup.Device);
        }

        _vocabularies =
        [
            .. maps.MapDims.Select(channels => new Vocabulary(options.VisualWords, channels, options.WordSharpness, setup.Share, setup.Device)),
        ];
        _momentum = new CosineSchedule(options.TeacherMomentum, 1, setup.Plan.TotalSteps);
        Trained = new TrainedParts(
            [("student", _student), .. _generators.Select((generator, level) => ($"generator{level}", (nn.Module)generator))]);
        State =
        [
            StateSection.Of("student", _student),
            StateSection.Of("teacher", _teacher),
            .. _generators.Select((generator, level) => StateSection.Of($"generator{level}", generator)),
            .. _vocabularies.Select((vocabulary, level) => new StateSection(
                $"vocabulary{level}", "", [("words", vocabulary.Words), ("distance", vocabulary.Distance)])),
        ];
        _loss = new MeanLoss(1, setup.Device);
        _information = new OutputInformation(options.VisualWords, setup.Device);
    }

    public override nn.Module Trained { get; }

    /// <summary>The student's, as published.</summary>
    public override Backbone Backbone => _student;

    public override IReadOnlyList<StateSection> State { get; }

    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        long images = batch.Images.Count;
        var first = batch.Crops[0]; // the teacher's view, and crops if they have its size
        // From the words that the targets are made with: a step renews them only when it is done.
        var weights = _generators.Zip(_vocabularies, (generator, words) => Generate(generator, words.Words)).ToArray(); // levels of [K, D]
        Tensor[] targets; // levels of [B, K]
        using (no_grad())
        {
            var maps = ((IFeatureMaps)_teacher).FeatureMaps(first.narrow(0, 0, images));
            targets = [.. _vocabularies.Zip(maps, (vocabulary, level) => vocabulary.Read(level))];
        }

        var others = first.narrow(0, images, first.size(0) - images);
        var features = _student.ForwardCrops([.. others.size(0) > 0 ? [others] : (Tensor[])[], .. batch.Crops.Skip(1)]); // [V B, D]
        var loss = features.split([.. _crops.Select(count => count * images)])
            .Select(crops => ObowLoss.Of(crops.view(-1, images, crops.size(1)), weights, targets, _options.PredictionScale))
            .Aggregate((sum, next) => sum + next);
        _loss.Add(loss.detach());
        _information.Add(targets[^1]);
        return loss.MoveToOuterDisposeScope();
    }

    public override void AfterOptimizerStep(TrainingStep step)
    {
        MovingAverage.Update(_teacher, _student, _momentum.At(step.Index));
        foreach (var vocabulary in _vocabularies)
        {
            vocabulary.Commit(step.Index * _batchSize);
        }
    }

    /// <returns>
    /// the loss, summed over kinds of crops; mean entropy of the last level's bags of words, and their information of the image, in nats
    /// </returns>
    public override IReadOnlyList<(string Name, double Value)> TakeMetrics()
    {
        var (entropy, information) = _information.Take();
        return [("loss", _loss.Take()[0]), ("target_entropy", entropy), (InformationName, information)];
    }

    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        OutputInformation.IsCollapsed(metrics.First(m => m.Name == InformationName).Value, step)
            ? "collapse: the teacher finds the same visual words in every image. "
                + "Raise --word-sharpness or --teacher-momentum, or lower --lr" : null;

    public override void AbandonStep()
    {
        foreach (var vocabulary in _vocabularies)
        {
            vocabulary.Forget();
        }

        _loss.Forget();
        _information.Forget();
    }

    public override void Dispose()
    {
        Trained.Dispose();
        _teacher.Dispose();
        foreach (var vocabulary in _vocabularies)
        {
            vocabulary.Dispose();
        }

        _loss.Dispose();
        _information.Dispose();
    }

    /// <summary>A classifier's weights of words from the words themselves, of length 1 (section 3).</summary>
    /// <param name="words">// [K, C]</param>
    /// <returns>// [K, D]</returns>
    private static Tensor Generate(Sequential generator, Tensor words)
    {
        using var scope = NewDisposeScope();
        return nn.functional.normalize(generator.forward(nn.functional.normalize(words, dim: 1)), dim: 1).MoveToOuterDisposeScope();
    }
}
