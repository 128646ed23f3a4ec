using DinoSharp.Tests;
using DinoSharp.Training.Optimizers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Tests;

/// <summary>Four steps of each optimizer and the clipping of gradients, against the reference's (fixtures/schedules).</summary>
public sealed class OptimizerTests
{
    private static readonly double[] LearningRates = [0.1, 0.08, 0.05, 0.2];
    private static readonly double[] WeightDecays = [0.04, 0.1, 0.2, 0.4];

    [Theory]
    [InlineData("adamw", OptimizerKind.AdamW)]
    [InlineData("sgd", OptimizerKind.Sgd)]
    [InlineData("lars", OptimizerKind.Lars)]
    [InlineData("lars-from-zero", OptimizerKind.Lars)]
    public void Steps_and_state_are_the_references(string name, OptimizerKind kind)
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("schedules/optimizers.safetensors");
        var (weight, bias) = (new Parameter(golden[name + ".start.weight"]), new Parameter(golden[name + ".start.bias"]));
        using var optimizer = TrainingOptimizer.Create(kind, new([new([("weight", weight)], true, 1), new([("bias", bias)], false, 1)]));
        for (int step = 0; step < LearningRates.Length; step++)
        {
            weight.grad = golden[$"grad.step{step}.weight"].clone();
            bias.grad = golden[$"grad.step{step}.bias"].clone();
            optimizer.Step(LearningRates[step], WeightDecays[step]);
            optimizer.ClearGradients();
            Golden.AssertClose(golden[$"{name}.step{step}.weight"], weight, 1e-5, $"weight after step {step}");
            Golden.AssertClose(golden[$"{name}.step{step}.bias"], bias, 1e-5, $"bias after step {step}");
        }

        foreach (var (parameter, index) in new[] { ("weight", 0), ("bias", 1) })
        {
            foreach (var (state, tensor) in optimizer.States[index].Tensors)
            {
                Golden.AssertClose(golden[$"{name}.state.{parameter}.{state}"], tensor, 1e-5, $"{state} of {parameter}");
            }
        }
    }

    /// <summary>A group of half the rate takes half a step; of AdamW and SGD both, which move by their own ways.</summary>
    [Theory]
    [InlineData(OptimizerKind.AdamW)]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.Lars)]
    public void A_group_has_its_own_share_of_the_rate(OptimizerKind kind)
    {
        using var scope = NewDisposeScope();
        var (whole, half) = (new Parameter(ones(2, 2)), new Parameter(ones(2, 2)));
        using var optimizer = TrainingOptimizer.Create(kind, new([new([("whole", whole)], true, 1), new([("half", half)], true, 0.5)]));
        (whole.grad, half.grad) = (ones(2, 2), ones(2, 2));
        optimizer.Step(0.1, 0.1);
        Assert.Equal((1 - whole.mean().item<float>()) / 2, 1 - half.mean().item<float>(), 1e-6);
        Assert.True(whole.mean().item<float>() < 1);
    }

    /// <summary>
    /// AdamW moves float32 on the CPU in one pass over memory, part by part on several threads, and other tensors by torch's operations: both are
    /// one formula. The parameter is longer than a part, and neither length is a multiple of a vector's.
    /// </summary>
    [Fact]
    public void One_pass_of_AdamW_is_what_torchs_operations_give()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var start = randn(211, 331);
        Tensor[] gradients = [.. Enumerable.Range(0, 4).Select(_ => randn(211, 331))];
        var (narrow, wide) = (After(ScalarType.Float32), After(ScalarType.Float64));
        foreach (var ((name, actual), (_, expected)) in narrow.Zip(wide))
        {
            Golden.AssertClose(expected, actual.to(ScalarType.Float64), 2e-6, name);
        }

        (string Name, Tensor Tensor)[] After(ScalarType type)
        {
            var moved = new Parameter(start.to(type, copy: true));
            using var optimizer = TrainingOptimizer.Create(OptimizerKind.AdamW, new([new([("moved", moved)], true, 1)]));
            foreach (var gradient in gradients)
            {
                moved.grad = gradient.to(type, copy: true);
                optimizer.Step(0.01, 0.1);
            }

            return [("parameter", moved.detach()), .. optimizer.States[0].Tensors.Select(t => (t.Name, t.Tensor.clone()))];
        }
    }

    [Fact]
    public void Nothing_to_move_is_an_error() =>
        Assert.Throws<ArgumentException>(() => TrainingOptimizer.Create(OptimizerKind.Sgd, new([])));

    [Theory]
    [InlineData(OptimizerKind.AdamW, true)]
    [InlineData(OptimizerKind.Sgd, false)]
    [InlineData(OptimizerKind.Lars, false)]
    public void A_parameter_without_gradient_stays_and_its_state_too(OptimizerKind kind, bool counts)
    {
        using var scope = NewDisposeScope();
        var (moved, frozen) = (new Parameter(ones(2, 2)), new Parameter(ones(2, 2)));
        using var optimizer = TrainingOptimizer.Create(kind, new([new([("moved", moved), ("frozen", frozen)], true, 1)]));
        moved.grad = ones(2, 2);
        optimizer.Step(0.1, 0.1);

        Assert.NotEqual(1, moved.mean().item<float>());
        Assert.Equal(1, frozen.mean().item<float>());
        Assert.All(optimizer.States[1].Tensors, state => Assert.Equal(0, state.Tensor.abs().sum().item<float>()));
        Assert.NotEqual(0, optimizer.States[0].Tensors[0].Tensor.abs().sum().item<float>());
        long?[] steps = counts ? [1, 0] : [null, null];
        Assert.Equal(steps, optimizer.States.Select(s => s.StepCount));
    }

    [Theory]
    [InlineData("clip-3.0", 3.0)]
    [InlineData("clip-0.3", 0.3)]
    public void Each_gradient_is_clipped_by_itself(string name, double limit)
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("schedules/gradients.safetensors");
        const string prefix = "before.";
        string[] names = [.. golden.Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => n[prefix.Length..])];
        Tensor[] before = [.. names.Select(n => golden[prefix + n])];
        Parameter[] parameters = [.. before.Select(gradient => new Parameter(zeros_like(gradient)) { grad = gradient.clone() })];
        double largest = Golden.Json("schedules/gradients.json").GetProperty(name).GetProperty("norms-before").EnumerateObject()
            .Max(norm => norm.Value.GetDouble());

        Assert.Equal(largest, GradientClipping.ClipEach(parameters, limit: 0).item<float>(), largest * 1e-6);
        Assert.All(parameters.Zip(before), p => Golden.AssertClose(p.Second, p.First.grad!, 0, "limit 0 changes nothing"));
        Assert.Equal(largest, GradientClipping.ClipEach(parameters, limit).item<float>(), largest * 1e-6);
        foreach (var (parameter, parameterName) in parameters.Zip(names))
        {
            var expected = golden[$"{name}.{parameterName}"];
            Golden.AssertClose(expected, parameter.grad!, expected.abs().max().item<float>() * 1e-6, parameterName);
        }
    }
}
