using DinoSharp.Methods.Byol;
using DinoSharp.Training.Optimizers;
using DinoSharp.Training.Schedules;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.Byol;

public sealed class ByolTests
{
    private static readonly ByolOptions Small = new() { HiddenDim = 16, ProjectionDim = 8, TargetMomentum = 0.9 };

    /// <summary>The golden loss is −cos, the paper's 2 − 2 cos.</summary>
    [Fact]
    public void One_direction_is_the_golden_loss() =>
        LossGolden.Check("negative-cosine", ["p0", "z1"], x => ByolLoss.Of(x[0], x[1]), scale: 2, shift: 2);

    /// <summary>The golden loss is the mean of −cos over both directions, the paper's the sum of 2 − 2 cos.</summary>
    [Fact]
    public void Both_directions_are_the_golden_loss() => LossGolden.Check(
        "byol-symmetric", ["p0", "p1", "z0", "z1"], x => ByolLoss.Of(x[0], x[3]) + ByolLoss.Of(x[1], x[2]), scale: 4, shift: 4);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual) => MethodChecks.Hold(Small, residual: residual);

    /// <summary>ξ ← τ ξ + (1 − τ) θ after the optimizer's step, with τ = 1 − (1 − 0.9)(cos(πk/K) + 1)/2 (section 3.1).</summary>
    [Fact]
    public void The_target_follows_by_the_schedule()
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small);
        run.TrainTo(5);
        var before = run.Snapshot();
        run.TrainTo(6);
        var after = run.Snapshot();
        double momentum = 1 - (1 - 0.9) * (Math.Cos(Math.PI * 5 / run.Trainer.Plan.TotalSteps) + 1) / 2;
        Assert.InRange(momentum, 0.9, 0.999);
        var weights = before.Keys.Where(k => k.StartsWith("target.", StringComparison.Ordinal) && IsWeight(k)).ToArray();
        Assert.NotEmpty(weights);
        double moved = 0;
        foreach (string name in weights)
        {
            var online = after["online." + name["target.".Length..]];
            var expected = momentum * before[name] + (1 - momentum) * online;
            DinoSharp.Tests.Golden.AssertClose(expected, after[name], 1e-6, name);
            moved = Math.Max(moved, (after[name] - before[name]).abs().max().item<float>());
        }

        Assert.True(moved > 1e-5, $"the target moved by {moved} only");

        static bool IsWeight(string name) => name.Split('.')[^1] is "weight" or "bias";
    }

    [Fact]
    public void Collapse_is_diagnosed() => CollapseChecks.Hold(Small, "--target-momentum");

    [Fact]
    public void Outputs_that_are_all_alike_are_measured() => CollapseChecks.MeasuresSpread(Small);

    [Theory]
    [InlineData(0, 8, 0.9, "at least 1")]
    [InlineData(16, 0, 0.9, "at least 1")]
    [InlineData(16, 8, 1.1, "1.1")]
    [InlineData(16, 8, double.NaN, "NaN")]
    public void Bad_options_are_refused_in_one_line(int hidden, int projection, double momentum, string says)
    {
        var fault = Assert.Throws<ArgumentException>(
            new ByolOptions { HiddenDim = hidden, ProjectionDim = projection, TargetMomentum = momentum }.Validate);
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    /// <summary>Section 3.3 and appendix B: two views that differ in blur and solarization.</summary>
    [Fact]
    public void Published_settings_are_the_papers()
    {
        var (method, training, views) = new ByolDefinition().Published(transformer: false);
        Assert.Equal(new ByolOptions { HiddenDim = 4096, ProjectionDim = 256, TargetMomentum = 0.996 }, method);
        Assert.Equal((OptimizerKind.Lars, 1000, 4096, 10), (training.Optimizer, training.Epochs, training.BatchSize, training.WarmupEpochs));
        Assert.Equal(3.2, training.ScaledLearningRate, 1e-9);
        Assert.Equal((1.5e-6, 1.5e-6, 0, 0), (training.WeightDecay, training.WeightDecayEnd, training.MinLearningRate, training.ClipGradient));
        Assert.Equal((0.08, 1, 0), (views.GlobalScale.Low, views.GlobalScale.High, views.LocalCount));
        Assert.Equal((0.8, 0.4, 0.4, 0.2, 0.1), (views.JitterProbability, views.Brightness, views.Contrast, views.Saturation, views.Hue));
        Assert.Equal((0.2, 1, 0.1, 0.2), (
            views.GrayscaleProbability, views.FirstGlobalBlurProbability, views.SecondGlobalBlurProbability, views.SolarizeProbability));
        var schedule = new CosineSchedule(0.996, 1, 100);
        Assert.Equal(0.996, schedule.At(0), 1e-12);
    }

    [Fact]
    public void A_short_training_gets_a_faster_target_and_an_optimizer_for_small_batches()
    {
        var fitting = new Fitting(new(Images: 50_000, ImageSide: 32, BatchSize: 256, Steps: 2000, Transformer: false));
        var (method, training, views) = new ByolDefinition().Fitted(new ByolDefinition().Published(transformer: false), fitting);
        Assert.Equal(0.99, ((ByolOptions)method).TargetMomentum, 1e-9);
        Assert.Equal(OptimizerKind.Sgd, training.Optimizer);
        Assert.Equal(0, views.FirstGlobalBlurProbability);
        Assert.Contains(fitting.Reasons, reason => reason.StartsWith("--target-momentum 0.99 in place of 0.996", StringComparison.Ordinal));
        Assert.Contains(fitting.Reasons, reason => reason.StartsWith("--lr 0.12 in place of 0.2", StringComparison.Ordinal));
    }

    /// <summary>An optimizer that was asked for has rates of its own, LARS the published ones.</summary>
    [Theory]
    [InlineData(OptimizerKind.Lars, 0.2, 1.5e-6)]
    [InlineData(OptimizerKind.Sgd, 0.12, 5e-4)]
    [InlineData(OptimizerKind.AdamW, 5e-4, 0.05)]
    public void A_named_optimizer_gets_its_rates(OptimizerKind named, double rate, double decay)
    {
        var published = new ByolDefinition().Published(transformer: false);
        var fitting = new Fitting(new(Images: 50_000, ImageSide: 32, BatchSize: 256, Steps: 20_000, Transformer: false) { Optimizer = named });
        var training = new ByolDefinition().Fitted(published, fitting).Training;
        Assert.Equal((named, rate, decay, decay), (training.Optimizer, training.LearningRate, training.WeightDecay, training.WeightDecayEnd));
    }
}
