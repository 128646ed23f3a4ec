using System.Text.Json;
using DinoSharp.Checkpoints;
using DinoSharp.Data;
using DinoSharp.Methods.Distillation;
using DinoSharp.Methods.Supervised;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using DinoSharp.Tests;
using DinoSharp.Training;
using DinoSharp.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.Distillation;

/// <summary>A student learns from a trained network.</summary>
public sealed class DistillationTests : IDisposable
{
    private const int Classes = 3;

    private static readonly MultiCropOptions OneView = new() { GlobalCount = 1, LocalCount = 0 };
    private static readonly ImageLabels Labels = new([.. Enumerable.Range(0, TinyTraining.Images).Select(i => (long)i % Classes)], Classes);

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false, TeacherOutput.Logits, 0.3)]
    [InlineData(true, TeacherOutput.Logits, 0)]
    [InlineData(false, TeacherOutput.Features, 0)]
    [InlineData(true, TeacherOutput.Features, 0)]
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual, TeacherOutput output, double share) => MethodChecks.Hold(
        new DistillationOptions { TeacherWeights = TeacherFile(), TeacherOutput = output, LabelShare = share }, OneView, residual, Labels);

    /// <summary>Softmax, Kullback-Leibler divergence and T² written out in float64; gradients by central differences of it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void The_loss_of_logits_is_the_formulas(double temperature)
    {
        const int batch = 3;
        using var scope = NewDisposeScope();
        double[] student = Numbers(batch * Classes, 1), teacher = Numbers(batch * Classes, 2);
        double Expected(double[] s)
        {
            double sum = 0;
            for (int i = 0; i < batch; i++)
            {
                double[] p = Softmax(teacher, i), q = Softmax(s, i);
                sum += Enumerable.Range(0, Classes).Sum(c => p[c] * Math.Log(p[c] / q[c]));
            }

            return temperature * temperature * sum / batch;
        }

        double[] Softmax(double[] values, int row)
        {
            double[] exponentials = [.. Enumerable.Range(0, Classes).Select(c => Math.Exp(values[row * Classes + c] / temperature))];
            return [.. exponentials.Select(e => e / exponentials.Sum())];
        }

        Agrees(Expected, student, s => DistillationLoss.OfLogits(s, Single(teacher, batch, Classes), temperature), batch, Classes);
        using var same = DistillationLoss.OfLogits(Single(teacher, batch, Classes), Single(teacher, batch, Classes), temperature);
        Assert.Equal(0, same.item<float>(), 1e-6);
    }

    [Fact]
    public void The_loss_of_features_is_the_squared_distance_of_unit_vectors()
    {
        const int batch = 2, dim = 5;
        using var scope = NewDisposeScope();
        double[] student = Numbers(batch * dim, 3), teacher = Numbers(batch * dim, 4);
        double Expected(double[] s) => Enumerable.Range(0, batch).Average(i =>
        {
            double Length(double[] v) => Math.Sqrt(Enumerable.Range(0, dim).Sum(d => v[i * dim + d] * v[i * dim + d]));
            return Enumerable.Range(0, dim).Sum(d => Math.Pow(s[i * dim + d] / Length(s) - teacher[i * dim + d] / Length(teacher), 2));
        });

        Agrees(Expected, student, s => DistillationLoss.OfFeatures(s, Single(teacher, batch, dim)), batch, dim);
    }

    /// <summary>The step's loss is that of what both networks, read from their weights, say of the same view.</summary>
    [Fact]
    public void Labels_have_their_share_and_the_teacher_sees_the_students_view()
    {
        const double share = 0.25;
        using var scope = NewDisposeScope();
        string file = TeacherFile();
        using TinyTraining tiny = new(
            new DistillationOptions { TeacherWeights = file, Temperature = 3, LabelShare = share }, views: OneView, labels: Labels);
        using var teacher = ImageClassifier.Open(WeightsFile.Open(file));
        var batch = new TrainingBatch([rand(8, 3, 8, 8)], [0, 1, 2, 3, 4, 5, 6, 7]);
        var logits = ((MultiCropEncoder)tiny.Method.Trained).Forward(batch.Crops);
        var soft = DistillationLoss.OfLogits(logits, teacher.Logits(batch.Crops[0]), 3);
        var hard = nn.functional.cross_entropy(logits, Labels.Of(batch, CPU));
        double expected = (1 - share) * soft.item<float>() + share * hard.item<float>();
        Assert.Equal(expected, tiny.Method.Loss(batch, tiny.Trainer.Plan.StepAfter(0)).item<float>(), 1e-5);
        Assert.True(Math.Abs(soft.item<float>() - hard.item<float>()) > 0.01);
    }

    [Fact]
    public void The_student_comes_to_say_what_the_teacher_says_and_its_file_is_a_classifier()
    {
        using var scope = NewDisposeScope();
        var training = new TrainingOptions { Epochs = 40, BatchSize = 8, LearningRate = 0.2, WarmupEpochs = 1, WeightDecayEnd = 0.04, Seed = 7 };
        using TinyTraining tiny = new(new DistillationOptions { TeacherWeights = TeacherFile() }, training, OneView);
        var batch = new TrainingBatch([rand(8, 3, 8, 8)], [0, 1, 2, 3, 4, 5, 6, 7]);
        double Loss() => tiny.Method.Loss(batch, tiny.Trainer.Plan.StepAfter(0)).item<float>();
        double before = Loss();
        for (int i = 0; i < 60; i++)
        {
            tiny.Trainer.Step(batch);
        }

        Assert.True(Loss() < before / 3, $"{before} {Loss()}");
        string path = Path.Combine(_folder.Path, "student.pth");
        RunCheckpoint.Save(path, tiny.Method, tiny.Trainer, new Dictionary<string, object?> { [WeightsWriter.HeadCountName] = 2 });
        using var student = ImageClassifier.Open(WeightsFile.Open(path));
        var said = ((MultiCropEncoder)tiny.Method.Trained).Forward(batch.Crops);
        Assert.True((student.Logits(batch.Crops[0]) - said).abs().max().ToDouble() < 1e-5);
    }

    [Fact]
    public void A_student_of_features_is_weights_of_a_backbone()
    {
        using TinyTraining tiny = new(
            new DistillationOptions { TeacherWeights = TeacherFile(), TeacherOutput = TeacherOutput.Features }, views: OneView, residual: true);
        string path = Path.Combine(_folder.Path, "student.pth");
        tiny.Save(path);
        var (backbone, _) = Pretrained.Load(path);
        using (backbone)
        {
            Assert.Equal(Sums(tiny.Method.Backbone), Sums(backbone));
        }
    }

    private static IEnumerable<double> Sums(Backbone backbone) => backbone.state_dict().Values.Select(t => t.sum().ToDouble());

    /// <summary>Where the file lies is no part of the identity; what is inside is.</summary>
    [Fact]
    public void The_teacher_is_known_by_its_values()
    {
        string first = TeacherFile(), moved = Path.Combine(_folder.Path, "moved.pth"), other = TeacherFile("other.pth", seed: 9);
        File.Copy(first, moved);
        Assert.Equal(Fingerprint(first), Fingerprint(moved));
        Assert.NotEqual(Fingerprint(first), Fingerprint(other));
        Assert.DoesNotContain("moved", JsonSerializer.Serialize(new DistillationOptions { TeacherWeights = moved }), StringComparison.Ordinal);

        static string Fingerprint(string path)
        {
            using TinyTraining tiny = new(new DistillationOptions { TeacherWeights = path }, views: OneView);
            var (name, fingerprint) = Assert.Single(tiny.Method.Inputs);
            Assert.Equal("teacher", name);
            return fingerprint;
        }
    }

    [Fact]
    public void Classes_of_the_teacher_are_written_beside_the_student()
    {
        using TinyTraining tiny = new(new DistillationOptions { TeacherWeights = TeacherFile(classes: ["cat", "cow", "dog"]) }, views: OneView);
        Assert.Equal(["cat", "cow", "dog"], (List<object?>)tiny.Method.Arguments[ImageClassifier.ClassesName]!);
    }

    [Fact]
    public void A_teacher_that_does_not_fit_is_refused_in_a_line_that_names_its_file()
    {
        string teacher = TeacherFile(classes: ["cat", "cow", "dog"]), backbone = Path.Combine(_folder.Path, "backbone.pth");
        using (TinyTraining tiny = new(new DistillationOptions { TeacherWeights = teacher, TeacherOutput = TeacherOutput.Features }, views: OneView))
        {
            RunCheckpoint.Save(backbone, tiny.Method, tiny.Trainer, new Dictionary<string, object?> { [WeightsWriter.HeadCountName] = 2 });
        }

        Refused(backbone, "holds a backbone without a classifier", new() { TeacherWeights = backbone });
        Refused(teacher, "they have none: leave out --label-share", new() { TeacherWeights = teacher, LabelShare = 0.5 });
        ImageLabels two = new([.. new long[TinyTraining.Images]], 2);
        Refused(teacher, "knows 3 classes (cat, cow, dog)", new() { TeacherWeights = teacher, LabelShare = 0.5 }, two);
        using var pictures = new TestFolder();
        foreach (string name in (string[])["ant", "bee", "fly"])
        {
            pictures.Write($"{name}/1.png");
        }

        using var source = ImageSources.Open(pictures.Path);
        Refused(source.Path, "has 3 (ant, bee, fly)", new() { TeacherWeights = teacher, LabelShare = 0.5 }, ImageLabels.Of(source));

        void Refused(string file, string words, DistillationOptions options, ImageLabels? labels = null)
        {
            string message = Assert.Throws<ArgumentException>(() => new TinyTraining(options, views: OneView, labels: labels)).Message;
            Assert.Contains(file, message, StringComparison.Ordinal);
            Assert.Contains(words, message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
        }
    }

    [Fact]
    public void Settings_that_make_no_training_are_refused()
    {
        Refused("--teacher-weights is missing", new());
        Refused("temperature must be above 0", new() { TeacherWeights = "t", Temperature = 0 });
        Refused("share of the labels must be in [0, 1]", new() { TeacherWeights = "t", LabelShare = 1.5 });
        Refused("leave out --label-share", new() { TeacherWeights = "t", LabelShare = 0.5, TeacherOutput = TeacherOutput.Features });

        static void Refused(string words, DistillationOptions options) =>
            Assert.Contains(words, Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.01, true)]
    [InlineData(0.9, false)]
    public void Collapse_is_told_with_what_to_do(double spread, bool told)
    {
        using TinyTraining tiny = new(new DistillationOptions { TeacherWeights = TeacherFile() }, views: OneView);
        string? diagnosis = tiny.Method.Diagnose([("loss", 1), ("output_spread", spread)], new(400, 5, tiny.Trainer.Plan));
        Assert.Equal(told, diagnosis?.Contains("Lower --lr", StringComparison.Ordinal) ?? false);
    }

    /// <summary>A classifier with random weights.</summary>
    private string TeacherFile(string name = "teacher.pth", long seed = 5, IReadOnlyList<string>? classes = null)
    {
        manual_seed(seed);
        using SupervisedMethod method = new(
            new VisionTransformer(new() { PatchSize = 4, EmbedDim = 24, Depth = 1, Heads = 2, ImageSize = 8 }),
            null,
            new SupervisedOptions(),
            Labels,
            CPU);
        using (no_grad())
        {
            foreach (var (_, parameter) in method.Trained.named_parameters().Where(p => p.name.StartsWith("head", StringComparison.Ordinal)))
            {
                parameter.normal_(0, 1); // so that it says something
            }
        }

        var plan = new TrainingPlan(1, 1);
        using var trainer = new Trainer(method, new TrainingOptions { Epochs = 1 }, plan);
        string path = Path.Combine(_folder.Path, name);
        var arguments = new Dictionary<string, object?> { [WeightsWriter.HeadCountName] = 2 };
        if (classes is not null)
        {
            arguments.Add(ImageClassifier.ClassesName, classes.Select(c => (object?)c).ToList());
        }

        RunCheckpoint.Save(path, method, trainer, arguments);
        return path;
    }

    private static void Agrees(Func<double[], double> expected, double[] at, Func<Tensor, Tensor> actual, params long[] shape)
    {
        const double step = 1e-6;
        var given = Single(at, shape).requires_grad_();
        var loss = actual(given);
        loss.backward();
        Assert.Equal(expected(at), loss.item<float>(), 1e-5);
        float[] gradient = given.grad!.data<float>().ToArray();
        for (int i = 0; i < at.Length; i++)
        {
            double[] more = [.. at], less = [.. at];
            more[i] += step;
            less[i] -= step;
            Assert.Equal((expected(more) - expected(less)) / (2 * step), gradient[i], 1e-4);
        }
    }

    private static double[] Numbers(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => 4 * random.NextDouble() - 2)];
    }

    private static Tensor Single(double[] values, params long[] shape) => tensor(values, shape).to(ScalarType.Float32);
}
