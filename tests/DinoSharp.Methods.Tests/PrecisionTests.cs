using DinoSharp.Data;
using DinoSharp.Methods.Dino;
using DinoSharp.Methods.MocoV2;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Layers;
using DinoSharp.Tests;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>Whole trainings in lower precisions: the losses are those of float32 within a band, and a resumed run has the same bits.</summary>
public sealed class PrecisionTests
{
    private const int Pictures = 32, Batch = 16, Epochs = 20;

    /// <summary>
    /// The largest difference of a step's loss, as a part of their mean. Half precision is not much nearer everywhere: what learns makes large
    /// differences of small ones.
    /// </summary>
    [Theory]
    [InlineData("dino", Precision.Bf16, false, 0.01)]
    [InlineData("dino", Precision.Fp16, false, 0.002)]
    [InlineData("dino", Precision.Bf16, true, 0.02)]
    [InlineData("moco-v2", Precision.Bf16, false, 0.01)]
    [InlineData("moco-v2", Precision.Fp16, false, 0.02)]
    public void The_loss_curve_is_that_of_float32(string method, Precision precision, bool residual, double band)
    {
        using var scope = NewDisposeScope();
        MethodOptions options = method == "dino"
            ? new DinoOptions { Head = new() { OutputDim = 32, HiddenDim = 32, BottleneckDim = 16 }, FreezeLastLayerEpochs = 0 }
            : new MocoV2Options { HiddenDim = 32, ProjectionDim = 16, QueueSize = 64, KeyMomentum = 0.9 };
        double[] expected = Curve(options, Precision.Float32, residual), actual = Curve(options, precision, residual);
        double furthest = expected.Zip(actual, (one, other) => Math.Abs(other - one)).Max() / expected.Average();
        double learned = (expected.Max() - expected.Min()) / expected.Average();
        Assert.True(furthest < band, $"losses differ by up to {furthest:P3}, learned {learned:P3}");
        Assert.True(furthest > 0, "nothing was computed in another precision");
        Assert.True(learned > 4 * band, $"nothing was learned that could differ: the losses span {learned:P3}");
    }

    /// <summary>With a scale so large that steps are passed over before the first save and after it.</summary>
    [Theory]
    [InlineData(Precision.Bf16, 1)]
    [InlineData(Precision.Fp16, 1)]
    [InlineData(Precision.Fp16, 2)]
    public void A_resumed_run_ends_with_the_same_bits(Precision precision, int parts)
    {
        using var scope = NewDisposeScope();
        using TestFolder folder = new();
        string path = Path.Combine(folder.Path, "state.pth");
        var training = TinyDino.Training with { Precision = precision, AccumulationSteps = parts };
        using TinyDino straight = New();
        bool[] skipped = [.. Enumerable.Range(0, 12).Select(_ => straight.Step().Skipped)];
        Assert.All(skipped[..2], first => Assert.Equal(precision == Precision.Fp16, first));
        Assert.False(skipped[^1]);
        foreach (int stop in (int[])[1, 4, 7])
        {
            using TinyDino first = New();
            first.TrainTo(stop);
            first.Save(path);
            using TinyDino second = New(seed: 99);
            second.Load(path);
            second.TrainTo(12);
            TinyDino.AssertSame(straight.Snapshot(), second.Snapshot(), $"resumed at step {stop}");
            Assert.Equal(straight.Trainer.LossScale?.Factor, second.Trainer.LossScale?.Factor);
            Assert.Equal(straight.Trainer.LossScale?.GoodSteps, second.Trainer.LossScale?.GoodSteps);
        }

        TinyDino New(long seed = 1)
        {
            TinyDino run = new(training: training, stepsPerEpoch: 4, dropPath: 0.3, seed: seed);
            run.Trainer.LossScale?.Restore(Math.Pow(2, 20), 0);
            return run;
        }
    }

    /// <summary>The losses of a training on pictures that can be told apart by colour, with noise on them.</summary>
    private static double[] Curve(MethodOptions options, Precision precision, bool residual)
    {
        var plan = new TrainingPlan(Epochs, Pictures / Batch);
        // Adam makes full steps of gradients that are nearly 0, whatever their sign: where those are many, small differences become large ones.
        var (optimizer, rate) = options is DinoOptions ? (OptimizerKind.AdamW, 0.04) : (OptimizerKind.Sgd, 0.03);
        TrainingOptions training = new()
        {
            Epochs = Epochs,
            BatchSize = Batch,
            Optimizer = optimizer,
            LearningRate = rate,
            WarmupEpochs = 2,
            Precision = precision,
        };
        MultiCropOptions views = new() { GlobalSize = 8, LocalSize = 4, LocalCount = options is DinoOptions ? 2 : 0 };
        manual_seed(1);
        var colours = rand(Pictures, 3, 1, 1);
        using var method = options.Create(new MethodSetup
        {
            CreateBackbone = _ => residual
                ? new ResNet(new() { Blocks = [1, 1, 1, 1], Bottlenecks = false, Width = 8, SmallStem = true })
                : new VisionTransformer(new() { PatchSize = 4, EmbedDim = 32, Depth = 2, Heads = 2, ImageSize = 8 }),
            Training = training,
            Plan = plan,
            Views = views,
            Images = Pictures,
            Device = CPU,
        });
        using Trainer trainer = new(method, training, plan);
        trainer.LossScale?.Restore(64, 0);
        var losses = new double[plan.TotalSteps];
        for (int step = 0; step < losses.Length; step++)
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator((ulong)step);
            long[] images = [.. Enumerable.Range(0, Batch).Select(i => (long)(step * Batch + i) % Pictures)];
            var seen = colours.index_select(0, tensor(images));
            Tensor[] crops =
            [
                .. new[] { (Side: 8, Count: 2), (Side: 4, Count: views.LocalCount) }.Where(size => size.Count > 0).Select(size =>
                    cat([.. Enumerable.Range(0, size.Count).Select(_ => seen + 0.1 * randn([Batch, 3, size.Side, size.Side], generator: generator))])),
            ];
            var result = trainer.Step(new(crops, images));
            Assert.False(result.Skipped);
            losses[step] = result.Loss;
        }

        return losses;
    }
}
