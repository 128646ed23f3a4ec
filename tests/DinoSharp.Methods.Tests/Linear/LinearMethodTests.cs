using DinoSharp.Distributed;
using DinoSharp.Methods.Linear;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.Linear;

/// <summary>Linear classifiers on frozen features.</summary>
public sealed class LinearMethodTests
{
    private const int Images = 24;
    private const int Dim = 5;
    private const int Classes = 3;
    private const int BatchSize = 8;

    private static readonly TrainingPlan Plan = new(Epochs: 4, StepsPerEpoch: Images / BatchSize);

    private static readonly TrainingOptions Options = new()
    {
        Epochs = Plan.Epochs,
        BatchSize = BatchSize,
        Optimizer = OptimizerKind.Sgd,
        MinLearningRate = 0,
        WarmupEpochs = 0,
        RateStepsByEpoch = true,
        WeightDecay = 0,
        WeightDecayEnd = 0,
        ClipGradient = 0,
    };

    /// <summary>
    /// The reference's loop, transcribed in float64 without any of our types: SGD with momentum 0.9 by hand, its rate a cosine in steps of an
    /// epoch.
    /// </summary>
    [Fact]
    public void Each_rate_trains_as_if_it_were_alone()
    {
        double[] rates = [0.5, 4];
        using var scope = NewDisposeScope();
        var (features, labels) = Data();
        using Backbone backbone = Backbone();
        manual_seed(5);
        using var method = new LinearMethod(backbone, f => f.alias(), Dim, new ImageLabels(labels, Classes), rates, CPU, ProcessGroup.Alone);
        var expected = rates.Select((rate, i) => ByHand(features, labels, Values(method, i), rate)).ToList();
        using var trainer = new Trainer(method, Options with { LearningRate = rates.Max() }, Plan);
        for (int step = 0; step < Plan.TotalSteps; step++)
        {
            trainer.Step(Batch(features, step));
        }

        for (int i = 0; i < rates.Length; i++)
        {
            var (weight, bias) = Values(method, i);
            Assert.Equal(expected[i].Weight.data<double>().ToArray(), weight.data<double>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-5);
            Assert.Equal(expected[i].Bias.data<double>().ToArray(), bias.data<double>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-5);
        }
    }

    private static (Tensor Weight, Tensor Bias) Values(LinearMethod method, int index) =>
        (method.Classifier(index).weight!.detach().to(ScalarType.Float64).clone(), method.Classifier(index).bias!.detach().to(ScalarType.Float64).clone());

    private static (Tensor Weight, Tensor Bias) ByHand(Tensor features, long[] labels, (Tensor Weight, Tensor Bias) start, double rate)
    {
        var (weight, bias) = start;
        Tensor weightMomentum = zeros_like(weight), biasMomentum = zeros_like(bias);
        for (int step = 0; step < Plan.TotalSteps; step++)
        {
            int epoch = step / Plan.StepsPerEpoch;
            double lr = rate * BatchSize / 256 * (1 + Math.Cos(Math.PI * epoch / Plan.Epochs)) / 2;
            long[] rows = Rows(step);
            var x = features[tensor(rows)].to(ScalarType.Float64);
            var probabilities = (x.matmul(weight.t()) + bias).softmax(1);
            var wrong = (probabilities - nn.functional.one_hot(tensor([.. rows.Select(r => labels[r])]), Classes)) / BatchSize; // [B, C]
            weightMomentum = weightMomentum * 0.9 + wrong.t().matmul(x);
            biasMomentum = biasMomentum * 0.9 + wrong.sum([0]);
            weight -= lr * weightMomentum;
            bias -= lr * biasMomentum;
        }

        return (weight, bias);
    }

    private static long[] Rows(int step) => [.. Enumerable.Range(step % Plan.StepsPerEpoch * BatchSize, BatchSize).Select(i => (long)i)];

    private static TrainingBatch Batch(Tensor features, int step) => new([features[tensor(Rows(step))]], Rows(step));

    private static (Tensor Features, long[] Labels) Data()
    {
        using var generator = new Generator(3);
        long[] labels = [.. Enumerable.Range(0, Images).Select(i => (long)i % Classes)];
        return (randn([Images, Dim], generator: generator) + tensor([.. labels.Select(l => (float)l)]).unsqueeze(1), labels);
    }

    private static VisionTransformer Backbone() => new(new() { PatchSize = 2, EmbedDim = 4, Depth = 1, Heads = 1, ImageSize = 4 });
}
