using DinoSharp.Methods.Dino;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Training;
using DinoSharp.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>DINO small enough to train in a test: a method, its trainer, and the crops of each step.</summary>
internal sealed class TinyDino : IDisposable
{
    public const int Batch = 4;
    public const int GlobalCrops = 2;
    public const int LocalCrops = 2;
    private const int GlobalSide = 8;
    private const int LocalSide = 4;

    public static readonly DinoOptions Options = new()
    {
        Head = new DinoHeadOptions { OutputDim = 24, HiddenDim = 16, BottleneckDim = 8, FreezeMagnitude = false },
        TeacherMomentum = 0.9,
        TeacherTemperature = 0.07,
        WarmupTeacherTemperatureEpochs = 2,
    };

    public static readonly TrainingOptions Training =
        new() { Epochs = 3, BatchSize = Batch, LearningRate = 0.2, WarmupEpochs = 1, Seed = 7 };

    private readonly TrainingOptions _training;
    private readonly int _localSide;

    /// <param name="options">of the method</param>
    /// <param name="training">of the loop</param>
    /// <param name="stepsPerEpoch">batches an epoch</param>
    /// <param name="dropPath">stochastic depth of the student</param>
    /// <param name="sameSize">local crops as large as global ones, in one tensor with them</param>
    /// <param name="seed">of the weights</param>
    public TinyDino(
        DinoOptions? options = null,
        TrainingOptions? training = null,
        int stepsPerEpoch = 4,
        double dropPath = 0,
        bool sameSize = false,
        long seed = 1)
    {
        _training = training ?? Training;
        _localSide = sameSize ? GlobalSide : LocalSide;
        var plan = new TrainingPlan(_training.Epochs, stepsPerEpoch);
        manual_seed(seed);
        var shape = new VisionTransformerOptions { PatchSize = 2, EmbedDim = 16, Depth = 3, Heads = 2, ImageSize = GlobalSide };
        VisionTransformer student = new(shape with { DropPathRate = dropPath }), teacher = new(shape);
        Method = new DinoMethod(student, teacher, options ?? Options, LocalCrops, plan, CPU);
        Trainer = new Trainer(Method, _training, plan);
    }

    public DinoMethod Method { get; }

    public Trainer Trainer { get; }

    /// <summary>Trains on until so many steps are done.</summary>
    public void TrainTo(long steps)
    {
        if (Trainer.StepsDone < steps)
        {
            using var stop = new CancellationTokenSource();
            Trainer.Run(Epoch, new StopAfter(steps, stop), stop.Token);
        }
    }

    /// <summary>One step on the batch that is due.</summary>
    public StepResult Step()
    {
        using var scope = NewDisposeScope();
        return Trainer.Step(new(Crops(Trainer.StepsDone), []));
    }

    /// <summary>Crops of the batch of a step, view-major, one tensor a resolution; those of one size share a tensor.</summary>
    public Tensor[] Crops(long step) => Crops(step, _training.BatchSize, _localSide);

    /// <summary>The batches of an epoch from one on: noise that depends on epoch and batch alone.</summary>
    public IEnumerable<TrainingBatch> Epoch(int epoch, int firstBatch)
    {
        for (int batch = firstBatch; batch < Trainer.Plan.StepsPerEpoch; batch++)
        {
            var crops = Crops((long)epoch * Trainer.Plan.StepsPerEpoch + batch);
            try
            {
                yield return new TrainingBatch(crops, []);
            }
            finally
            {
                foreach (var crop in crops)
                {
                    crop.Dispose();
                }
            }
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

    /// <summary>Fails unless both hold the same, to the bit where the tolerance is 0.</summary>
    public static void AssertSame(
        Dictionary<string, Tensor> expected, Dictionary<string, Tensor> actual, string what, double tolerance = 0)
    {
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach (var (name, value) in expected)
        {
            double difference = (value - actual[name]).abs().max().ToDouble();
            Assert.True(difference <= tolerance, $"{what}: {name} differs by {difference:G3}");
        }
    }

    public void Save(string path) => RunCheckpoint.Save(path, Method, Trainer, new Dictionary<string, object?>());

    public void Load(string path) => RunCheckpoint.Load(path, Method, Trainer);

    public void Dispose()
    {
        Trainer.Dispose();
        Method.Dispose();
    }

    private static Tensor[] Crops(long seed, int images, int localSide)
    {
        using var generator = new Generator(unchecked((ulong)seed + 1000));
        var globals = rand([GlobalCrops * images, 3, GlobalSide, GlobalSide], generator: generator);
        var locals = rand([LocalCrops * images, 3, localSide, localSide], generator: generator);
        if (localSide != GlobalSide)
        {
            return [globals, locals];
        }

        using (globals)
        using (locals)
        {
            return [cat([globals, locals])];
        }
    }

    private sealed class StopAfter(long steps, CancellationTokenSource stop) : ITrainingObserver
    {
        public void AfterStep(StepResult result, Trainer trainer)
        {
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
