using DinoSharp.Methods.BarlowTwins;
using DinoSharp.Tests;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.BarlowTwins;

public sealed class BarlowTwinsTests
{
    private static readonly BarlowTwinsOptions Small = new() { HiddenDim = 16, ProjectionDim = 8 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual) => MethodChecks.Hold(Small, residual: residual);

    [Fact]
    public void Loss_and_gradients_are_the_references()
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("other-methods/losses.safetensors");
        var expected = Golden.Json("other-methods/losses.json").GetProperty("barlow-twins");
        var first = golden["z0"].clone().requires_grad_();
        var second = golden["z1"].clone().requires_grad_();
        var loss = BarlowTwinsLoss.Of(first, second, expected.GetProperty("lambda_param").GetDouble());
        loss.backward();

        Assert.Equal(expected.GetProperty("loss-float64").GetDouble(), loss.item<float>(), 2e-5);
        Golden.AssertClose(golden["barlow-twins.grad.z0"], first.grad!, 1e-6, "gradient of the first view");
        Golden.AssertClose(golden["barlow-twins.grad.z1"], second.grad!, 1e-6, "gradient of the second view");
    }

    /// <summary>The first step of SGD is the learning rate times the gradient; for parameters of one dimension a part of it.</summary>
    [Fact]
    public void Biases_and_norms_move_by_a_rate_of_their_own()
    {
        using var scope = NewDisposeScope();
        var training = new TrainingOptions
        {
            Epochs = 1,
            BatchSize = 8,
            Optimizer = OptimizerKind.Sgd,
            LearningRate = 0.32,
            WarmupEpochs = 0,
            WeightDecay = 0,
            WeightDecayEnd = 0,
            ClipGradient = 0,
        };
        using TinyTraining scaled = new(Small with { BiasRateScale = 0.25 }, training);
        using TinyTraining plain = new(Small with { BiasRateScale = 1 }, training);
        var before = scaled.Snapshot();
        scaled.TrainTo(1);
        plain.TrainTo(1);
        var (some, all) = (scaled.Snapshot(), plain.Snapshot());
        foreach (var (name, parameter) in scaled.Method.Trained.named_parameters())
        {
            string key = "model." + name;
            var moved = all[key] - before[key];
            double scale = parameter.dim() == 1 ? 0.25 : 1;
            Golden.AssertClose(moved * scale, some[key] - before[key], 1e-7 + 1e-5 * moved.abs().max().item<float>(), name);
        }

        Assert.True((all["model.backbone.norm.weight"] - before["model.backbone.norm.weight"]).abs().max().item<float>() > 1e-6);
    }

    [Fact]
    public void Collapse_is_told_with_what_helps()
    {
        using TinyTraining run = new(Small);
        string? Said(double spread, long step) =>
            run.Method.Diagnose([("loss", 1), ("output_spread", spread)], run.Trainer.Plan.StepAfter(0) with { Index = step });

        Assert.Contains("--lr", Said(0.01, 400), StringComparison.Ordinal);
        Assert.Null(Said(0.01, 100));
        Assert.Null(Said(0.5, 400));
    }

    [Theory]
    [InlineData(1, 0.005, 0.024, "decorrelate")]
    [InlineData(8, 1.5, 0.024, "redundancy")]
    [InlineData(8, double.NaN, 0.024, "redundancy")]
    [InlineData(8, 0.005, 0, "biases")]
    public void Bad_options_give_one_clear_line(int projection, double redundancy, double scale, string expected)
    {
        var error = Assert.Throws<ArgumentException>(
            (Small with { ProjectionDim = projection, RedundancyWeight = redundancy, BiasRateScale = scale }).Validate);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void A_batch_of_one_image_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new TinyTraining(Small, new() { BatchSize = 1 }));
        Assert.Contains("--batch-size", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_fit_a_small_training()
    {
        var definition = MethodCatalogue.Named("barlow-twins");
        var published = definition.Published(transformer: false);
        Assert.Equal(1.6, published.Training.ScaledLearningRate, 1e-9); // 0.2 for 256
        var fitting = new Fitting(new(Images: 50_000, ImageSide: 32, BatchSize: 256, Steps: 20_000, Transformer: false));
        var fitted = definition.Fitted(published, fitting);
        var options = (BarlowTwinsOptions)fitted.Method;
        Assert.Equal((2048, 2048, 1.0), (options.HiddenDim, options.ProjectionDim, options.BiasRateScale));
        Assert.Equal(OptimizerKind.Sgd, fitted.Training.Optimizer);
        Assert.Contains(fitting.Reasons, reason => reason.StartsWith("--projection-dim 2048 in place of 8192", StringComparison.Ordinal));
        var large = new Fitting(new(1_281_167, 400, 2048, 600_000, Transformer: false));
        Assert.Equal(published, definition.Fitted(published, large));
        Assert.Empty(large.Reasons);
    }
}
