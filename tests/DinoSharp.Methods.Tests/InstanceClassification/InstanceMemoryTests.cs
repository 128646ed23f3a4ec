using DinoSharp.Data;
using DinoSharp.Methods.InstanceClassification;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.InstanceClassification;

/// <summary>A memory of all images in place of a classifier.</summary>
public sealed class InstanceMemoryTests
{
    private static readonly InstanceMemoryOptions Small = new() { ProjectionDim = 8, Negatives = 12, Temperature = 0.2 };
    private static readonly MultiCropOptions OneView = new() { GlobalCount = 1, LocalCount = 0 };

    [Theory]
    [InlineData(false, 12, 0)]
    [InlineData(true, 12, 2)]
    [InlineData(false, 0, 0.5)]
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual, int negatives, double proximalWeight) =>
        MethodChecks.Hold(Small with { Negatives = negatives, ProximalWeight = proximalWeight }, OneView, residual);

    /// <summary>The paper's h and J written out in float64 with plain loops; gradients by central differences of it.</summary>
    [Fact]
    public void Loss_and_gradients_are_those_of_the_formula()
    {
        const int batch = 2, drawn = 3, dim = 4, images = 10;
        const double temperature = 0.3, normalizer = 25, step = 1e-6;
        using var scope = NewDisposeScope();
        var random = new Random(5);
        double[] outputs = Units(batch), own = Units(batch), others = Units(batch * drawn);
        var given = tensor(outputs, [batch, dim]).to(ScalarType.Float32).requires_grad_();
        var loss = NceLoss.Of(
            given, Single(own, batch, dim), Single(others, batch, drawn, dim), tensor(new[] { (float)normalizer }), images, temperature);
        loss.backward();
        Assert.Equal(Expected(outputs), loss.item<float>(), 1e-5);
        float[] gradient = given.grad!.data<float>().ToArray();
        for (int i = 0; i < outputs.Length; i++)
        {
            double[] more = [.. outputs], less = [.. outputs];
            more[i] += step;
            less[i] -= step;
            Assert.Equal((Expected(more) - Expected(less)) / (2 * step), gradient[i], 1e-4);
        }

        double Expected(double[] f)
        {
            double sum = 0;
            for (int i = 0; i < batch; i++)
            {
                double noise = (double)drawn / images; // m times the uniform 1 / n
                double p = Math.Exp(Dot(f, i, own, i) / temperature) / normalizer;
                sum -= Math.Log(p / (p + noise));
                for (int k = 0; k < drawn; k++)
                {
                    double q = Math.Exp(Dot(f, i, others, i * drawn + k) / temperature) / normalizer;
                    sum -= Math.Log(1 - q / (q + noise));
                }
            }

            return sum / batch;
        }

        static double Dot(double[] left, int row, double[] right, int other) =>
            Enumerable.Range(0, dim).Sum(d => left[row * dim + d] * right[other * dim + d]);

        double[] Units(int count)
        {
            double[][] rows = [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, dim).Select(_ => random.NextDouble() - 0.5).ToArray())];
            return [.. rows.SelectMany(row => row.Select(value => value / Math.Sqrt(row.Sum(v => v * v))))];
        }

        static Tensor Single(double[] values, params long[] shape) => tensor(values, shape).to(ScalarType.Float32);
    }

    [Fact]
    public void The_normalizer_is_the_images_times_the_mean_of_the_exponentials()
    {
        using var scope = NewDisposeScope();
        var outputs = tensor(new[] { 1f, 0, 0, 1 }, [2, 2]);
        var drawn = tensor(new[] { 1f, 0, 0, 1, 0, 1, 0.6f, 0.8f }, [2, 2, 2]); // similarities 1 and 0; 1 and 0.8
        double expected = 7 * (Math.Exp(2) + 1 + Math.Exp(2) + Math.Exp(1.6)) / 4;
        Assert.Equal(expected, NceLoss.Normalizer(outputs, drawn, 7, 0.5).item<float>(), 1e-4);
    }

    /// <summary>The whole softmax by plain loops in float64, and its gradient as it is by hand.</summary>
    [Fact]
    public void The_softmax_over_all_images_is_that_of_the_formula()
    {
        const double temperature = 0.5;
        using var scope = NewDisposeScope();
        var outputs = nn.functional.normalize(randn(3, 4), dim: 1).requires_grad_();
        var memory = nn.functional.normalize(randn(6, 4), dim: 1);
        long[] numbers = [4, 0, 4];
        double expected = 0;
        for (int row = 0; row < 3; row++)
        {
            double[] similarities = [.. Enumerable.Range(0, 6).Select(entry =>
                Enumerable.Range(0, 4).Sum(d => outputs[row, d].ToDouble() * memory[entry, d].ToDouble()) / temperature)];
            expected += (Math.Log(similarities.Sum(Math.Exp)) - similarities[numbers[row]]) / 3;
        }

        var loss = MemorySoftmax.Loss(outputs, memory, tensor(numbers), temperature);
        Assert.Equal(expected, loss.item<float>(), 1e-5);

        // The gradient of −log P: (Σ P(j|f) vⱼ − vᵢ) / τ, a third of it for each of three images.
        loss.backward();
        var chances = (outputs.detach().mm(memory.t()) / temperature).softmax(1);
        var gradient = (chances.mm(memory) - memory.index_select(0, tensor(numbers))) / (temperature * 3);
        Assert.True((gradient - outputs.grad!).abs().max().ToDouble() < 1e-6);
    }

    /// <summary>λ‖f − vᵢ‖² for the images of a step (section 3.3).</summary>
    [Fact]
    public void The_proximal_term_holds_outputs_to_the_entries()
    {
        using var scope = NewDisposeScope();
        var batch = new TrainingBatch([rand(4, 3, 8, 8)], [3, 1, 7, 30]);
        using TinyTraining with = new(Small with { Negatives = 0, ProximalWeight = 1.5 }, views: OneView);
        using TinyTraining without = new(Small with { Negatives = 0 }, views: OneView);
        var entries = with.Method.State.Single(s => s.Name == "memory").Tensors.Single(t => t.Name == "entries").Tensor;
        var apart = (Outputs(with.Method, batch) - entries.index_select(0, tensor(batch.Images.ToArray()))).square().sum([1L]).mean();
        double difference = (with.Method.Loss(batch, with.Trainer.Plan.StepAfter(0)) - without.Method.Loss(batch, with.Trainer.Plan.StepAfter(0))).ToDouble();
        Assert.Equal(1.5 * apart.ToDouble(), difference, 1e-4);
    }

    /// <summary>Entries of the batch's images move, are unit vectors and nothing else moves; Z is set by the first step alone.</summary>
    [Fact]
    public void A_step_leaves_its_outputs_in_the_memory()
    {
        const double kept = 0.7;
        using var scope = NewDisposeScope();
        using TinyTraining tiny = new(Small with { MemoryMomentum = kept }, views: OneView);
        var (memory, normalizer) = (Tensor("entries"), Tensor("normalizer"));
        Assert.Equal(0f, normalizer.item<float>());
        var before = memory.clone();
        Assert.True((before.norm(1) - 1).abs().max().ToDouble() < 1e-5);
        var batch = new TrainingBatch([rand(8, 3, 8, 8)], [2, 30, 5, 7, 11, 13, 17, 19]);
        var outputs = Outputs(tiny.Method, batch);
        tiny.Trainer.Step(batch);
        var index = tensor(batch.Images.ToArray());
        var expected = before.clone();
        for (int row = 0; row < 8; row++)
        {
            double[] moved = [.. Enumerable.Range(0, 8).Select(d =>
                kept * before[batch.Images[row], d].ToDouble() + (1 - kept) * outputs[row, d].ToDouble())];
            double length = Math.Sqrt(moved.Sum(v => v * v));
            for (int d = 0; d < 8; d++)
            {
                expected[batch.Images[row], d] = tensor((float)(moved[d] / length));
            }
        }

        Assert.True((memory - expected).abs().max().ToDouble() < 1e-5);
        Assert.True((memory - before).abs().max().ToDouble() > 0.01);
        float estimated = normalizer.item<float>();
        Assert.True(estimated > 1);
        tiny.Trainer.Step(new TrainingBatch([rand(8, 3, 8, 8)], [0, 1, 2, 3, 4, 5, 6, 7]));
        Assert.Equal(estimated, normalizer.item<float>());

        Tensor Tensor(string name) => tiny.Method.State.Single(s => s.Name == "memory").Tensors.Single(t => t.Name == name).Tensor;
    }

    [Fact]
    public void A_step_that_is_abandoned_leaves_nothing()
    {
        using var scope = NewDisposeScope();
        using TinyTraining tiny = new(Small, views: OneView);
        var before = tiny.Snapshot();
        using (var loss = tiny.Method.Loss(new TrainingBatch([rand(4, 3, 8, 8)], [0, 1, 2, 3]), tiny.Trainer.Plan.StepAfter(0)))
        {
            tiny.Method.AbandonStep();
        }

        TinyDino.AssertSame(before, tiny.Snapshot(), "abandoned");
    }

    [Fact]
    public void Several_views_are_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new TinyTraining(Small, views: new() { GlobalCount = 1, LocalCount = 2 }));
        Assert.Contains("one view of an image, not 3", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.01, true)]
    [InlineData(0.9, false)]
    public void Collapse_is_told_with_what_to_do(double spread, bool told)
    {
        using TinyTraining tiny = new(Small, views: OneView);
        string? diagnosis = tiny.Method.Diagnose([("loss", 1), ("output_spread", spread)], new(400, 5, tiny.Trainer.Plan));
        Assert.Equal(told, diagnosis?.Contains("--negatives", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public void Settings_that_make_no_training_are_refused()
    {
        Refused("cannot be compared with -1 others", Small with { Negatives = -1 });
        Refused("temperature must be above 0", Small with { Temperature = -1 });
        Refused("momentum of the memory must be in [0, 1)", Small with { MemoryMomentum = 1 });
        Refused("proximal term cannot be negative", Small with { ProximalWeight = -0.1 });

        static void Refused(string words, InstanceMemoryOptions options) =>
            Assert.Contains(words, Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1000, 0)]
    [InlineData(1_000_000, 4096)]
    public void Few_images_are_all_compared(int images, int negatives)
    {
        var definition = new InstanceMemoryDefinition();
        var fitting = new Fitting(new TrainingFacts(Images: images, ImageSide: 224, BatchSize: 256, Steps: 1000, Transformer: false));
        var fitted = definition.Fitted(definition.Published(transformer: false), fitting);
        Assert.Equal(negatives, ((InstanceMemoryOptions)fitted.Method).Negatives);
        Assert.Equal(negatives == 0, fitting.Reasons.Any(reason => reason.StartsWith("--negatives 0 in place of 4096", StringComparison.Ordinal)));
    }

    /// <summary>What the network says of a batch, by its weights.</summary>
    private static Tensor Outputs(TrainingMethod method, TrainingBatch batch)
    {
        using var noGradients = no_grad();
        var network = (Models.MultiCropEncoder)method.Trained;
        return nn.functional.normalize(network.Forward(batch.Crops), dim: 1);
    }
}
