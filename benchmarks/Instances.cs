using System.Diagnostics;
using System.Globalization;
using DinoSharp.Data;
using DinoSharp.Methods;
using DinoSharp.Methods.InstanceClassification;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Benchmarks;

/// <summary>What a class an image costs as the images grow, by a classifier and by a memory: whole optimizer steps of a small network.</summary>
internal static class Instances
{
    private const int BatchSize = 64;
    private const int Side = 32;
    private const int Rounds = 3;

    private static readonly int[] Counts = [10_000, 100_000, 1_000_000];
    private static readonly MultiCropOptions Views = new() { GlobalCount = 1, LocalCount = 0, GlobalSize = Side };

    public static void Run()
    {
        Console.WriteLine("| form | images | kept, MB | seconds a step | im/s | peak memory so far, GB |");
        Console.WriteLine("|---|---|---|---|---|---|");
        (string Name, MethodOptions Options)[] forms = [("memory", new InstanceMemoryOptions()), ("classifier", new InstanceOptions())];
        foreach (var (name, options) in forms)
        {
            foreach (int images in Counts)
            {
                Run(name, options, images);
            }
        }
    }

    private static void Run(string name, MethodOptions options, int images)
    {
        using var scope = NewDisposeScope();
        manual_seed(0);
        var plan = new TrainingPlan(100, 100);
        var training = new TrainingOptions
        {
            BatchSize = BatchSize,
            Optimizer = OptimizerKind.Sgd,
            LearningRate = 0.03,
            WeightDecay = 1e-4,
            WeightDecayEnd = 1e-4,
            ClipGradient = 0,
        };
        using var method = options.Create(new MethodSetup
        {
            CreateBackbone = _ => new VisionTransformer(new() { PatchSize = 4, EmbedDim = 64, Depth = 2, Heads = 2, ImageSize = Side }),
            Training = training,
            Plan = plan,
            Views = Views,
            Images = images,
            Device = CPU,
        });
        using var trainer = new Trainer(method, training, plan);
        var pixels = rand(BatchSize, 3, Side, Side);
        long[] numbers = [.. Enumerable.Range(0, BatchSize).Select(i => (long)i * (images / BatchSize))];
        double seconds = Measure.InTurns(Rounds, () => trainer.Step(new TrainingBatch([pixels], numbers)))[0];
        long kept = method.State.SelectMany(s => s.Tensors).Select(t => t.Tensor)
            .Concat(trainer.Optimizer.States.SelectMany(s => s.Tensors).Select(t => t.Tensor))
            .Sum(t => t.numel() * t.element_size());
        using var process = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {images:#,0} | {kept / 1e6:F0} | {seconds:F2} | {BatchSize / seconds:F0} | {process.PeakWorkingSet64 / 1e9:F1} |"));
    }
}
