using DinoSharp.Models.Layers;
using DinoSharp.Tests;
using DinoSharp.Training.Optimizers;
using DinoSharp.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Training.Tests;

/// <summary>Half precision: overflows are passed over, small gradients survive, and the scale is part of a checkpoint.</summary>
public sealed class LossScaleTests
{
    private static readonly TrainingOptions Options = new()
    {
        Epochs = 2,
        BatchSize = 4,
        WarmupEpochs = 0,
        LearningRate = 0.1,
        WeightDecay = 0,
        WeightDecayEnd = 0,
        ClipGradient = 0,
        Optimizer = OptimizerKind.Sgd,
        Precision = Precision.Fp16,
    };

    private static readonly TrainingPlan Plan = new(Epochs: 2, StepsPerEpoch: 3);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_step_that_overflows_is_passed_over_and_the_scale_halved(bool loss)
    {
        using var scope = NewDisposeScope();
        using TinyMethod method = new() { BadLoss = loss ? 1 : null, BadGradient = loss ? null : 1 };
        using Trainer trainer = new(method, Options, Plan);
        trainer.LossScale!.Restore(512, 7);
        Assert.False(Step(trainer).Skipped);
        Assert.Equal((512, 8), (trainer.LossScale.Factor, trainer.LossScale.GoodSteps));

        var before = Values(method, trainer);
        var skipped = Step(trainer);
        Assert.True(skipped.Skipped);
        Assert.Equal(!loss, double.IsFinite(skipped.Loss));
        Assert.Equal((256, 0), (trainer.LossScale.Factor, trainer.LossScale.GoodSteps));
        Assert.Equal(["loss 1", "abandon"], method.Calls.TakeLast(2));
        Assert.Equal(2, trainer.StepsDone); // the plan goes on with the next batch
        Assert.True(before.Zip(Values(method, trainer)).All(pair => pair.First.Equals(pair.Second)));
        Assert.All(method.Parameters, parameter => Assert.Null(parameter.grad));

        Assert.False(Step(trainer).Skipped);
        Assert.Contains(before.Zip(Values(method, trainer)), pair => !pair.First.Equals(pair.Second));
        Assert.Equal((256, 1), (trainer.LossScale.Factor, trainer.LossScale.GoodSteps));
    }

    [Fact]
    public void Where_no_scale_is_left_to_halve_the_training_has_diverged()
    {
        using TinyMethod method = new() { BadGradient = 0 };
        using Trainer trainer = new(method, Options, Plan);
        trainer.LossScale!.Restore(1, 0);
        Assert.Equal(0, Assert.Throws<TrainingDivergedException>(() => Step(trainer)).Step);
        Assert.Equal(0, trainer.StepsDone);
    }

    /// <summary>Of a loss so small that the gradients within the network are below half precision, they arrive with a scale only.</summary>
    [Fact]
    public void Gradients_that_would_vanish_survive()
    {
        using var scope = NewDisposeScope();
        var exact = Momentum(Precision.Float32, 1);
        var scaled = Momentum(Precision.Fp16, 65536);
        var vanished = Momentum(Precision.Fp16, 1);
        Assert.True(exact.norm().item<float>() > 0);
        Assert.Equal(0, vanished.norm().item<float>());
        double error = ((scaled - exact).norm() / exact.norm()).item<float>();
        Assert.True(error < 0.02, $"gradients differ by {error:G3}");

        static Tensor Momentum(Precision precision, double factor)
        {
            using TinyMethod method = new() { LossFactor = 1e-7 };
            using Trainer trainer = new(method, Options with { Precision = precision }, Plan);
            trainer.LossScale?.Restore(factor, 0);
            Assert.False(Step(trainer).Skipped);
            int index = trainer.Optimizer.Groups.All.ToList().FindIndex(p => p.Name == "blocks.0.mlp.fc2.weight");
            return trainer.Optimizer.States[index].Tensors[0].Tensor.clone();
        }
    }

    [Fact]
    public void The_scale_grows_after_many_good_steps()
    {
        LossScale scale = new();
        Assert.Equal(65536, scale.Factor);
        for (int i = 1; i < LossScale.GrowthInterval; i++)
        {
            scale.CountGood();
        }

        Assert.Equal(65536, scale.Factor);
        scale.CountGood();
        Assert.Equal((131072, 0), (scale.Factor, scale.GoodSteps));
        Assert.Throws<ArgumentOutOfRangeException>(() => scale.Restore(double.NaN, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => scale.Restore(2, LossScale.GrowthInterval));
    }

    [Fact]
    public void A_checkpoint_keeps_the_scale_and_is_one_of_every_precision()
    {
        using var scope = NewDisposeScope();
        using TestFolder folder = new();
        string path = Path.Combine(folder.Path, "state.pth");
        using TinyMethod method = new();
        using Trainer half = new(method, Options, Plan);
        half.LossScale!.Restore(2048, 11);
        Step(half);
        RunCheckpoint.Save(path, method, half, new Dictionary<string, object?>());

        using Trainer again = new(method, Options, Plan), single = new(method, Options with { Precision = Precision.Float32 }, Plan);
        RunCheckpoint.Load(path, method, again);
        Assert.Equal((2048, 12), (again.LossScale!.Factor, again.LossScale.GoodSteps));
        RunCheckpoint.Load(path, method, single);
        Assert.Null(single.LossScale);
        RunCheckpoint.Save(path, method, single, new Dictionary<string, object?>());
        RunCheckpoint.Load(path, method, again); // has no scale inside
        Assert.Equal(2048, again.LossScale.Factor);
    }

    private static StepResult Step(Trainer trainer)
    {
        using var scope = NewDisposeScope();
        return trainer.Step(new(TinyMethod.Crops(0, (int)trainer.StepsDone), []));
    }

    private static List<Tensor> Values(TinyMethod method, Trainer trainer) =>
    [
        .. method.Parameters.Select(p => p.detach().clone()),
        .. trainer.Optimizer.States.SelectMany(state => state.Tensors.Select(t => t.Tensor.clone())),
    ];
}
