using DinoSharp.Data;
using DinoSharp.Methods.InstanceClassification;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.InstanceClassification;

/// <summary>A class an image, with weights of its own.</summary>
public sealed class InstanceTests
{
    private static readonly InstanceOptions Small = new() { HiddenDim = 16, ProjectionDim = 8 };
    private static readonly MultiCropOptions OneView = new() { GlobalCount = 1, LocalCount = 0 };

    [Theory]
    [InlineData(false, InstanceSimilarity.Cosine)]
    [InlineData(true, InstanceSimilarity.Linear)]
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual, InstanceSimilarity similarity) =>
        MethodChecks.Hold(Small with { Similarity = similarity }, OneView, residual);

    [Fact]
    public void More_images_than_can_be_saved_are_refused_at_once()
    {
        MethodOptions[] both = [new InstanceOptions(), new InstanceMemoryOptions()];
        Assert.All(both, options =>
        {
            var refused = Assert.Throws<ArgumentException>(() => options.Create(new MethodSetup
            {
                CreateBackbone = _ => throw new InvalidOperationException("too late"),
                Training = new(),
                Plan = null!,
                Views = OneView,
                Images = 4_194_304,
                Device = CPU,
            }));
            Assert.Contains("--projection-dim", refused.Message);
        });
    }

    /// <summary>
    /// Cosine over τ, softmax, cross-entropy, written out in float64; gradients by central differences of it.
    /// </summary>
    [Theory]
    [InlineData(InstanceSimilarity.Cosine)]
    [InlineData(InstanceSimilarity.Linear)]
    public void Loss_and_gradients_are_those_of_the_formula(InstanceSimilarity similarity)
    {
        const int batch = 3, images = 5, dim = 4;
        const double temperature = 0.3, step = 1e-6;
        using var scope = NewDisposeScope();
        using var classifier = new InstanceClassifier(images, dim, similarity, temperature);
        var random = new Random(3);
        double[] outputs = [.. Enumerable.Range(0, batch * dim).Select(_ => random.NextDouble() - 0.5)];
        double[] weights = [.. Enumerable.Range(0, images * dim).Select(_ => random.NextDouble() - 0.5)];
        long[] numbers = [4, 0, 2];
        var weight = classifier.parameters().Single();
        using (no_grad())
        {
            weight.copy_(tensor(weights, [images, dim]));
        }

        var given = tensor(outputs, [batch, dim]).to(ScalarType.Float32).requires_grad_();
        var loss = nn.functional.cross_entropy(classifier.forward(given), tensor(numbers));
        loss.backward();
        Assert.Equal(Expected(outputs, weights), loss.item<float>(), 1e-5);
        AssertGradient(given.grad!, outputs, changed => Expected(changed, weights));
        AssertGradient(weight.grad!, weights, changed => Expected(outputs, changed));
        // Rows of images that are not in the batch have a gradient, too: this is what makes a step cost as much as there are images.
        Assert.All(Enumerable.Range(0, images), row => Assert.True(weight.grad![row].abs().max().ToDouble() > 1e-4));

        double Expected(double[] f, double[] w)
        {
            double sum = 0;
            for (int i = 0; i < batch; i++)
            {
                double[] logits = new double[images];
                for (int j = 0; j < images; j++)
                {
                    double product = 0, left = 0, right = 0;
                    for (int d = 0; d < dim; d++)
                    {
                        double a = f[i * dim + d], b = w[j * dim + d];
                        (product, left, right) = (product + a * b, left + a * a, right + b * b);
                    }

                    logits[j] = similarity == InstanceSimilarity.Linear ? product : product / Math.Sqrt(left * right) / temperature;
                }

                sum += Math.Log(logits.Sum(Math.Exp)) - logits[numbers[i]];
            }

            return sum / batch;
        }

        static void AssertGradient(Tensor gradient, double[] at, Func<double[], double> value)
        {
            float[] actual = gradient.contiguous().data<float>().ToArray();
            for (int i = 0; i < at.Length; i++)
            {
                double[] more = [.. at], less = [.. at];
                more[i] += step;
                less[i] -= step;
                Assert.Equal((value(more) - value(less)) / (2 * step), actual[i], 1e-4);
            }
        }
    }

    [Fact]
    public void Images_are_told_apart_in_the_end()
    {
        using var scope = NewDisposeScope();
        var training = new TrainingOptions
        {
            Epochs = 1,
            BatchSize = 8,
            Optimizer = OptimizerKind.AdamW,
            LearningRate = 0.3,
            MinLearningRate = 0.01,
            WarmupEpochs = 0,
            ClipGradient = 0,
        };
        using TinyTraining tiny = new(Small, training, OneView);
        var views = rand(8, 3, 8, 8);
        var batch = new TrainingBatch([views], [0, 1, 2, 3, 4, 5, 6, 7]);
        var plan = new TrainingPlan(1, 60);
        using var trainer = new Trainer(tiny.Method, training, plan);
        for (int i = 0; i < plan.TotalSteps; i++)
        {
            trainer.Step(batch);
        }

        using var classes = tiny.Method.Loss(batch, plan.StepAfter(0));
        Assert.True(classes.item<float>() < Math.Log(TinyTraining.Images) / 3, $"{classes.item<float>()}"); // ln 32 where it knows nothing
    }

    [Fact]
    public void A_batch_in_parts_takes_the_step_of_the_whole()
    {
        using var scope = NewDisposeScope();
        var whole = new TrainingOptions { Epochs = 1, BatchSize = 8, LearningRate = 0.05, WarmupEpochs = 0, ClipGradient = 0 };
        using TinyTraining one = new(Small, whole, OneView), two = new(Small, whole with { AccumulationSteps = 2 }, OneView);
        one.TrainTo(3);
        two.TrainTo(3);
        var (expected, actual) = (one.Snapshot(), two.Snapshot());
        Assert.All(expected, entry => Assert.True((entry.Value - actual[entry.Key]).abs().max().ToDouble() < 1e-4, entry.Key));
    }

    [Fact]
    public void The_mean_over_several_views_is_taken()
    {
        using var scope = NewDisposeScope();
        using TinyTraining tiny = new(Small, views: new() { GlobalCount = 1, LocalCount = 2 });
        Tensor global = rand(4, 3, 8, 8), local = rand(8, 3, 4, 4);
        long[] images = [3, 9, 1, 20];
        double Loss(params Tensor[] crops) => tiny.Method.Loss(new(crops, images), tiny.Trainer.Plan.StepAfter(0)).item<float>();
        double expected = (Loss(global) + Loss(local[..4]) + Loss(local[4..])) / 3;
        Assert.Equal(expected, Loss(global, local), 1e-5);
    }

    [Theory]
    [InlineData(0.01, 400, true)]
    [InlineData(0.9, 400, false)]
    [InlineData(0.01, 10, false)]
    public void Collapse_is_told_with_what_to_do(double spread, long step, bool told)
    {
        using TinyTraining tiny = new(Small, views: OneView);
        string? diagnosis = tiny.Method.Diagnose([("loss", 1), ("output_spread", spread)], new(step, 5, tiny.Trainer.Plan));
        Assert.Equal(told, diagnosis?.Contains("Lower --lr", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public void Settings_that_make_no_training_are_refused()
    {
        Refused("temperature must be above 0", Small with { Temperature = 0 });
        Refused("at least 1", Small with { ProjectionDim = 0 });

        static void Refused(string words, InstanceOptions options) =>
            Assert.Contains(words, Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
    }
}
