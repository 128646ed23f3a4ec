using System.Text.Json;
using DinoSharp.Checkpoints;
using DinoSharp.Methods.Dino;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Tests;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;
using DinoSharp.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>
/// Six training steps of the reference's own loop and three more after resuming (fixtures/train). Tolerances are those of the fixtures;
/// the bias of the keys has no gradient but rounding, which Adam turns into full steps, so it is compared with twice the sum of the rates.
/// </summary>
public sealed class ReferenceTrainingTests
{
    private const int LocalCrops = 3;
    private const double LossTolerance = 1e-4;
    private const double Tolerance = 2e-5;
    private const double KeyBiasTolerance = 1e-2;
    private static readonly TrainingPlan Plan = new(Epochs: 4, StepsPerEpoch: 3);
    private static readonly JsonElement Log = Golden.Json("train/log.json");

    [Fact]
    public void Six_steps_end_where_the_references_do()
    {
        using var scope = NewDisposeScope();
        using var crops = Golden.Read("train/crops.safetensors");
        using var final = Golden.Read("train/final.safetensors");
        using var method = Method();
        using var trainer = Loaded("initial-checkpoint.pth", method);
        Assert.Equal(0, trainer.StepsDone);
        foreach (var expected in Log.GetProperty("iterations").EnumerateArray().Take(6))
        {
            AssertStep(expected, trainer.Step(Batch(crops, expected.GetProperty("iteration").GetInt32())));
        }

        Assert.Equal(final.Names.Order(), AllTensors(method).Keys.Order());
        foreach (var (name, tensor) in AllTensors(method))
        {
            AssertClose(final[name], tensor, name, Tolerance);
        }

        long[] counts = [.. trainer.Optimizer.States.Select(s => s.StepCount!.Value)];
        Assert.Equal(Enumerable.Range(0, 50).Select(i => i is 18 or 19 ? 3L : 6L), counts);
    }

    [Fact]
    public void Gradients_of_the_first_step_are_the_references()
    {
        using var scope = NewDisposeScope();
        using var crops = Golden.Read("train/crops.safetensors");
        using var golden = Golden.Read("train/first-gradients.safetensors");
        using var method = Method();
        using var trainer = Loaded("initial-checkpoint.pth", method);
        method.Loss(Batch(crops, 0), Plan.StepAfter(0)).backward();
        var parameters = method.Trained.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        Assert.Equal(golden.Names.Order(), parameters.Keys.Order());
        foreach (string name in golden.Names)
        {
            Golden.AssertClose(golden[name], parameters[name].grad!, Tolerance, name);
        }

        // Clipping is per parameter: as many are cut as in the reference's own step.
        var first = Log.GetProperty("iterations")[0];
        double[] before = [.. parameters.Values.Select(p => p.grad!.norm().ToDouble())];
        Assert.Equal(first.GetProperty("parameters-clipped").GetInt32(), before.Count(norm => norm > 3));
        Assert.Equal(before.Max(), GradientClipping.ClipEach(parameters.Values, 3).item<float>(), 1e-5);
        Assert.All(parameters.Values.Zip(before), p => Assert.Equal(Math.Min(p.Second, 3), p.First.grad!.norm().ToDouble(), 1e-4));
    }

    [Fact]
    public void A_run_of_the_reference_goes_on_as_it_would_there()
    {
        using var scope = NewDisposeScope();
        using var crops = Golden.Read("train/crops.safetensors");
        using var method = Method();
        using var trainer = Loaded("final-checkpoint.pth", method);
        Assert.Equal(6, trainer.StepsDone);
        foreach (var expected in Log.GetProperty("resumed-iterations").EnumerateArray())
        {
            AssertStep(expected, trainer.Step(Batch(crops, expected.GetProperty("iteration").GetInt32() - 6)));
        }

        var norms = Log.GetProperty("after-resume").GetProperty("l2-norms").EnumerateObject()
            .ToDictionary(p => p.Name, p => p.Value.GetDouble());
        var tensors = AllTensors(method);
        Assert.Equal(norms.Keys.Order(), tensors.Keys.Order());
        foreach (var (name, norm) in norms)
        {
            double tolerance = name.EndsWith("qkv.bias", StringComparison.Ordinal) ? KeyBiasTolerance : 1e-4;
            Assert.Equal(norm, tensors[name].norm().ToDouble(), tolerance);
        }
    }

    [Fact]
    public void A_checkpoint_has_the_layout_of_the_references()
    {
        using var scope = NewDisposeScope();
        using var crops = Golden.Read("train/crops.safetensors");
        using var method = Method();
        using var trainer = Loaded("initial-checkpoint.pth", method);
        for (int i = 0; i < 6; i++)
        {
            trainer.Step(Batch(crops, i));
        }

        using var folder = new TestFolder();
        string path = Path.Combine(folder.Path, "ours.pth");
        RunCheckpoint.Save(path, method, trainer, new Dictionary<string, object?> { ["arch"] = "vit_small" });
        string[] ours = [.. Describe("", TorchFile.Read(path)).Where(line => !line.StartsWith(".dinosharp", StringComparison.Ordinal))];
        string[] theirs = [.. Describe("", TorchFile.Read(Golden.PathOf("train/final-checkpoint.pth")))];
        // torch writes further switches of AdamW that stand at their defaults.
        string[] switches = [".foreach", ".maximize", ".capturable", ".differentiable", ".fused", ".decoupled_weight_decay"];
        Assert.Equal(theirs.Where(line => !switches.Any(s => line.Contains(s, StringComparison.Ordinal))).Order(), ours.Order());

        using var again = Method();
        using var resumed = new Trainer(again, Options(), Plan);
        RunCheckpoint.Load(path, again, resumed);
        Assert.Equal(6, resumed.StepsDone);
        foreach (var (name, tensor) in AllTensors(method))
        {
            Golden.AssertClose(tensor, AllTensors(again)[name], 0, name);
        }
    }

    private static DinoMethod Method()
    {
        var shape = new VisionTransformerOptions { PatchSize = 8, EmbedDim = 48, Depth = 3, Heads = 3, ImageSize = 32 };
        var args = Log.GetProperty("args");
        var options = new DinoOptions
        {
            Head = new DinoHeadOptions { OutputDim = 96, Layers = 3, HiddenDim = 64, BottleneckDim = 32, FreezeMagnitude = false },
            TeacherMomentum = args.GetProperty("momentum_teacher").GetDouble(),
            WarmupTeacherTemperature = args.GetProperty("warmup_teacher_temp").GetDouble(),
            TeacherTemperature = args.GetProperty("teacher_temp").GetDouble(),
            WarmupTeacherTemperatureEpochs = args.GetProperty("warmup_teacher_temp_epochs").GetInt32(),
            FreezeLastLayerEpochs = args.GetProperty("freeze_last_layer").GetInt32(),
        };
        return new DinoMethod(new VisionTransformer(shape), new VisionTransformer(shape), options, LocalCrops, Plan, CPU);
    }

    private static TrainingOptions Options()
    {
        var args = Log.GetProperty("args");
        return new TrainingOptions
        {
            Epochs = args.GetProperty("epochs").GetInt32(),
            BatchSize = args.GetProperty("batch_size_per_gpu").GetInt32(),
            LearningRate = args.GetProperty("lr").GetDouble(),
            MinLearningRate = args.GetProperty("min_lr").GetDouble(),
            WarmupEpochs = args.GetProperty("warmup_epochs").GetInt32(),
            WeightDecay = args.GetProperty("weight_decay").GetDouble(),
            WeightDecayEnd = args.GetProperty("weight_decay_end").GetDouble(),
            ClipGradient = args.GetProperty("clip_grad").GetDouble(),
        };
    }

    private static Trainer Loaded(string checkpoint, DinoMethod method)
    {
        var trainer = new Trainer(method, Options(), Plan);
        RunCheckpoint.Load(Golden.PathOf("train/" + checkpoint), method, trainer);
        return trainer;
    }

    /// <summary>Crops view-major, one tensor a resolution.</summary>
    private static TrainingBatch Batch(Golden crops, int iteration) => new(
    [
        cat([.. Enumerable.Range(0, 2).Select(c => crops[$"iteration{iteration}.crop{c}"])]),
        cat([.. Enumerable.Range(2, LocalCrops).Select(c => crops[$"iteration{iteration}.crop{c}"])]),
    ],
    []);

    private static void AssertStep(JsonElement expected, StepResult actual)
    {
        Assert.Equal(expected.GetProperty("iteration").GetInt32(), actual.Step.Index);
        Assert.Equal(expected.GetProperty("epoch").GetInt32(), actual.Step.Epoch);
        Assert.Equal(expected.GetProperty("loss").GetDouble(), actual.Loss, LossTolerance);
        Assert.Equal(expected.GetProperty("lr").GetDouble(), actual.LearningRate, 1e-12);
        Assert.Equal(expected.GetProperty("weight_decay-of-regularized").GetDouble(), actual.WeightDecay, 1e-12);
        Assert.Equal(expected.GetProperty("largest-gradient-norm").GetDouble(), actual.LargestGradientNorm, 1e-3);
    }

    private static Dictionary<string, Tensor> AllTensors(DinoMethod method) => method.State
        .SelectMany(s => s.Tensors.Select(t => (Name: s.Name == "dino_loss" ? t.Name : $"{s.Name}.{t.Name}", t.Tensor)))
        .ToDictionary(t => t.Name, t => t.Tensor);

    private static void AssertClose(Tensor expected, Tensor actual, string name, double tolerance)
    {
        if (!name.EndsWith("qkv.bias", StringComparison.Ordinal))
        {
            Golden.AssertClose(expected, actual, tolerance, name);
            return;
        }

        var (want, have) = (expected.chunk(3), actual.chunk(3)); // query, key, value
        foreach (int part in new[] { 0, 1, 2 })
        {
            Golden.AssertClose(want[part], have[part], part == 1 ? KeyBiasTolerance : tolerance, $"{name}, part {part}");
        }
    }

    /// <summary>A line for every leaf: its path, its kind, for tensors type and shape, for whole numbers their value.</summary>
    private static IEnumerable<string> Describe(string path, object? value) => value switch
    {
        OrderedDictionary<object, object?> dictionary => dictionary.SelectMany(e => Describe($"{path}.{e.Key}", e.Value)),
        PickledNamespace => [$"{path}: namespace"],
        ArrayData array when path.EndsWith(".step", StringComparison.Ordinal) =>
            [$"{path}: {array.Type} {array.ToFloat32()[0]} [{string.Join(',', array.Shape)}]"],
        ArrayData array when array.Shape.Count == 0 => [$"{path}: number"],
        ArrayData array => [$"{path}: {array.Type} [{string.Join(',', array.Shape)}]"],
        List<object?> list => list.SelectMany((item, i) => Describe($"{path}[{i}]", item)),
        object?[] tuple => tuple.SelectMany((item, i) => Describe($"{path}[{i}]", item)),
        long number => [$"{path}: {number}"],
        double => [$"{path}: number"],
        null => [$"{path}: none"],
        _ => [$"{path}: {value}"],
    };
}
