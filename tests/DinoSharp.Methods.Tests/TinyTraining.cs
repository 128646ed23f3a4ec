using DinoSharp.Data;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using DinoSharp.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>A training by any method, small enough for a test: a method, its trainer, and the crops of each step.</summary>
internal sealed class TinyTraining : IDisposable
{
    public const int Images = 32;
    private const int Side = 8;
    public const int LocalSide = 4;

    public static readonly TrainingOptions Plain =
        new() { Epochs = 3, BatchSize = 8, LearningRate = 0.05, WarmupEpochs = 1, ClipGradient = 0, Seed = 7 };

    /// <summary>Views of one size in a row, as a loader gives them in one tensor.</summary>
    private readonly List<(int Side, int Count)> _crops = [];

    /// <param name="options">of the method</param>
    /// <param name="training">of the loop; null for a plain one</param>
    /// <param name="views">only the counts matter; null for two global ones</param>
    /// <param name="residual">a ResNet in place of a transformer</param>
    /// <param name="labels">of the <see cref="Images"/> images</param>
    /// <param name="localSide">of a local crop in pixels</param>
    public TinyTraining(
        MethodOptions options,
        TrainingOptions? training = null,
        MultiCropOptions? views = null,
        bool residual = false,
        ImageLabels? labels = null,
        int localSide = LocalSide)
    {
        options.Validate();
        TrainingOptions = training ?? Plain;
        var sizedViews = (views ?? new() { LocalCount = 0 }) with { GlobalSize = Side, LocalSize = localSide };
        var recipe = options.Recipe(sizedViews);
        foreach (int side in Enumerable.Range(0, recipe.ViewCount).Select(recipe.SizeOf))
        {
            if (_crops.Count > 0 && _crops[^1].Side == side)
            {
                _crops[^1] = (side, _crops[^1].Count + 1);
            }
            else
            {
                _crops.Add((side, 1));
            }
        }

        var plan = new TrainingPlan(TrainingOptions.Epochs, Images / TrainingOptions.BatchSize);
        manual_seed(1);
        Method = options.Create(new MethodSetup
        {
            CreateBackbone = _ => residual
                ? new ResNet(new() { Blocks = [1, 1, 1, 1], Bottlenecks = false, Width = 4, SmallStem = true })
                : new VisionTransformer(new() { PatchSize = 2, EmbedDim = 16, Depth = 2, Heads = 2, ImageSize = Side }),
            Training = TrainingOptions,
            Plan = plan,
            Views = sizedViews,
            Images = Images,
            Device = CPU,
            Labels = labels,
        });
        Trainer = new Trainer(Method, TrainingOptions, plan);
    }

    public TrainingOptions TrainingOptions { get; }

    public TrainingMethod Method { get; }

    public Trainer Trainer { get; }

    /// <summary>Trains on until so many steps are done.</summary>
    /// <param name="steps">from the beginning</param>
    /// <param name="seen">told of each</param>
    public void TrainTo(long steps, Action<StepResult>? seen = null)
    {
        if (Trainer.StepsDone < steps)
        {
            using var stop = new CancellationTokenSource();
            Trainer.Run(Epoch, new StopAfter(steps, stop, seen), stop.Token);
        }
    }

    /// <summary>The first step, by itself.</summary>
    /// <returns>its loss, and the norm of its largest gradient</returns>
    public (double Loss, double Norm) FirstStep()
    {
        StepResult? first = null;
        TrainTo(1, result => first = result);
        return (first!.Loss, first.LargestGradientNorm);
    }

    /// <summary>The batches of an epoch from one on: noise that depends on epoch and image alone, the images in an order of the epoch's.</summary>
    public IEnumerable<TrainingBatch> Epoch(int epoch, int firstBatch)
    {
        int size = TrainingOptions.BatchSize;
        for (int batch = firstBatch; batch < Trainer.Plan.StepsPerEpoch; batch++)
        {
            long[] images = [.. Enumerable.Range(0, size).Select(i => (long)((batch * size + i) * 5 + epoch) % Images)];
            using var generator = new Generator((ulong)(1000 + epoch * Trainer.Plan.StepsPerEpoch + batch));
            List<Tensor> crops = [.. _crops.Select(crop => Crops(crop.Count, crop.Side))];
            try
            {
                yield return new TrainingBatch(crops, images);
            }
            finally
            {
                crops.ForEach(crop => crop.Dispose());
            }

            Tensor Crops(int views, int side) => rand([(long)views * size, 3, side, side], generator: generator).DetachFromDisposeScope();
        }
    }

    /// <summary>Clones of everything a checkpoint holds: method's state, optimizer's tensors and counts.</summary>
    public Dictionary<string, Tensor> Snapshot()
    {
        var values = Method.State.SelectMany(s => s.Tensors.Select(t => ($"{s.Name}.{t.Name}", t.Tensor.detach().clone())))
            .ToDictionary(pair => pair.Item1, pair => pair.Item2);
        foreach (var (index, state) in Trainer.Optimizer.States.Index())
        {
            values.Add($"optimizer.{index}.step", tensor(state.StepCount ?? -1));
            foreach (var (name, value) in state.Tensors)
            {
                values.Add($"optimizer.{index}.{name}", value.clone());
            }
        }

        return values;
    }

    public void Save(string path) => RunCheckpoint.Save(path, Method, Trainer, new Dictionary<string, object?>());

    public void Load(string path) => RunCheckpoint.Load(path, Method, Trainer);

    public void Dispose()
    {
        Trainer.Dispose();
        Method.Dispose();
    }

    private sealed class StopAfter(long steps, CancellationTokenSource stop, Action<StepResult>? seen) : ITrainingObserver
    {
        public void AfterStep(StepResult result, Trainer trainer)
        {
            seen?.Invoke(result);
            if (trainer.StepsDone == steps)
            {
                stop.Cancel();
            }
        }

        public void AfterEpoch(int epoch, Trainer trainer)
        {
        }

        public void Stopped(Trainer trainer) => Assert.Equal(steps, trainer.StepsDone);

        public void Diverged(Trainer trainer) => Assert.Fail("diverged");
    }
}
