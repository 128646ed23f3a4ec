using DinoSharp.Data;
using DinoSharp.Methods.BarlowTwins;
using DinoSharp.Methods.DeepCluster;
using DinoSharp.Methods.Obow;
using DinoSharp.Methods.Swav;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>Methods on pictures that can be told apart, by colour, and whose views differ by noise: they find what the views share.</summary>
public sealed class LearningTests
{
    private const int Pictures = 32;
    private const int BatchSize = 16;
    private const int Epochs = 40;

    private static readonly TrainingPlan Plan = new(Epochs, Pictures / BatchSize);

    [Fact]
    public void Barlow_Twins_learns()
    {
        var (first, last) = Learn(new BarlowTwinsOptions { HiddenDim = 32, ProjectionDim = 8, BiasRateScale = 1 }, localCount: 0);
        Assert.True(last["loss"] < 0.5 * first["loss"], $"loss from {first["loss"]} to {last["loss"]}");
        Assert.True(last["output_spread"] > 0.3, $"spread {last["output_spread"]}");
    }

    [Fact]
    public void SwAV_learns() => Informs(
        Learn(new SwavOptions { HiddenDim = 32, ProjectionDim = 8, Prototypes = 8 }, localCount: 2), "assignment_information", outputs: 8);

    [Fact]
    public void SwAV_learns_with_a_queue() => Informs(
        Learn(new SwavOptions { HiddenDim = 32, ProjectionDim = 8, Prototypes = 8, FeatureQueue = 32, FeatureQueueEpoch = 3 }, localCount: 2),
        "assignment_information",
        outputs: 8);

    [Fact]
    public void DeepCluster_learns() => Informs(
        Learn(new DeepClusterOptions { HiddenDim = 32, ProjectionDim = 8, Prototypes = 8 }, localCount: 2),
        "prediction_information",
        outputs: 8);

    /// <summary>What the loss has above the targets' entropy, which it has once for each of the two kinds of crops.</summary>
    [Fact]
    public void OBoW_learns()
    {
        var (first, last) = Learn(new ObowOptions { VisualWords = 16, WeakViewSize = 0, TeacherMomentum = 0.9 }, localCount: 2);
        Assert.True(last["loss"] < first["loss"], $"loss from {first["loss"]} to {last["loss"]}");
        Assert.True(last["loss"] - 2 * last["target_entropy"] < 0.6 * (first["loss"] - 2 * first["target_entropy"]));
        Assert.True(last["target_information"] > 0.3, $"information {last["target_information"]}");
    }

    /// <summary>Better than saying any of the outputs, and what is said tells pictures apart.</summary>
    private static void Informs((Dictionary<string, double> First, Dictionary<string, double> Last) run, string information, int outputs)
    {
        Assert.True(run.Last["loss"] < 0.6 * Math.Log(outputs), $"loss from {run.First["loss"]} to {run.Last["loss"]}");
        Assert.True(run.Last[information] > 0.5 * Math.Log(outputs), $"information {run.Last[information]}");
    }

    /// <summary>The metrics of the first and of the last epoch.</summary>
    private static (Dictionary<string, double> First, Dictionary<string, double> Last) Learn(MethodOptions options, int localCount)
    {
        MultiCropOptions views = new() { GlobalSize = 8, LocalSize = 4, LocalCount = localCount };
        TrainingOptions training = new()
        {
            Epochs = Epochs,
            BatchSize = BatchSize,
            LearningRate = 0.08,
            WarmupEpochs = 2,
            WeightDecayEnd = 0.04,
        };
        using var scope = NewDisposeScope();
        manual_seed(1);
        var colours = rand(Pictures, 3, 1, 1);
        using var method = options.Create(new MethodSetup
        {
            CreateBackbone = _ => new VisionTransformer(new() { PatchSize = 4, EmbedDim = 16, Depth = 2, Heads = 2, ImageSize = 8 }),
            Training = training,
            Plan = Plan,
            Views = views,
            Images = Pictures,
            Device = CPU,
        });
        using Trainer trainer = new(method, training, Plan);
        var metrics = new EpochMetrics(method);
        trainer.Run(Batches, metrics);
        Assert.Null(method.Diagnose([.. metrics.Last!.Select(m => (m.Key, m.Value))], new(1000, Epochs, Plan)));
        return (metrics.First!, metrics.Last!);

        IEnumerable<TrainingBatch> Batches(int epoch, int firstBatch)
        {
            var recipe = options.Recipe(views);
            for (int batch = firstBatch; batch < Plan.StepsPerEpoch; batch++)
            {
                using var step = NewDisposeScope();
                using var generator = new Generator((ulong)(epoch * 100 + batch));
                long[] images = [.. Enumerable.Range(0, BatchSize).Select(i => (batch * BatchSize + i + epoch) * 5L % Pictures)];
                var seen = colours.index_select(0, tensor(images));
                var crops = Enumerable.Range(0, recipe.ViewCount)
                    .GroupBy(recipe.SizeOf)
                    .Select(group => cat([.. group.Select(_ =>
                        seen + 0.03 * randn([BatchSize, 3, group.Key, group.Key], generator: generator))]))
                    .ToArray();
                yield return new TrainingBatch(crops, images);
            }
        }
    }

    private sealed class EpochMetrics(TrainingMethod method) : ITrainingObserver
    {
        public Dictionary<string, double>? First { get; private set; }

        public Dictionary<string, double>? Last { get; private set; }

        public void AfterStep(StepResult result, Trainer trainer)
        {
        }

        public void AfterEpoch(int epoch, Trainer trainer)
        {
            Last = method.TakeMetrics().ToDictionary(m => m.Name, m => m.Value);
            First ??= Last;
        }

        public void Stopped(Trainer trainer)
        {
        }

        public void Diverged(Trainer trainer) => Assert.Fail("diverged");
    }
}
