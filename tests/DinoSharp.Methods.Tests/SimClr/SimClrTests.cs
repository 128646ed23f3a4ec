using DinoSharp.Methods.SimClr;
using DinoSharp.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.SimClr;

public sealed class SimClrTests
{
    private static readonly SimClrOptions Small = new() { HiddenDim = 16, ProjectionDim = 8, Temperature = 0.2 };

    [Theory]
    [InlineData("simclr-0.5", 0.5)]
    [InlineData("simclr-0.1", 0.1)]
    public void Loss_and_gradients_are_the_golden_ones(string name, double temperature) =>
        LossGolden.Check(name, ["z0", "z1"], x => NtXentLoss.Of(x[0], x[1], temperature));

    /// <summary>Equation 1, view by view in plain loops.</summary>
    [Fact]
    public void The_loss_is_equation_1()
    {
        const int images = 5, dim = 3;
        const double temperature = 0.3;
        using var scope = NewDisposeScope();
        manual_seed(4);
        var (first, second) = (randn(images, dim, dtype: ScalarType.Float64), randn(images, dim, dtype: ScalarType.Float64));
        double[] all = [.. first.data<double>(), .. second.data<double>()];
        double sum = 0;
        for (int i = 0; i < 2 * images; i++)
        {
            double others = 0;
            for (int k = 0; k < 2 * images; k++)
            {
                others += k == i ? 0 : Math.Exp(Cosine(i, k) / temperature);
            }

            sum -= Math.Log(Math.Exp(Cosine(i, (i + images) % (2 * images)) / temperature) / others);
        }

        Assert.Equal(sum / (2 * images), NtXentLoss.Of(first, second, temperature).item<double>(), 1e-9);

        double Cosine(int i, int k) => Dot(i, k) / Math.Sqrt(Dot(i, i) * Dot(k, k));

        double Dot(int i, int k) => Enumerable.Range(0, dim).Sum(d => all[i * dim + d] * all[k * dim + d]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual) => MethodChecks.Hold(Small, residual: residual);

    [Fact]
    public void Collapse_is_diagnosed() => CollapseChecks.Hold(Small, "--lr");

    [Fact]
    public void Outputs_that_are_all_alike_are_measured() => CollapseChecks.MeasuresSpread(Small);

    [Theory]
    [InlineData(0, 8, 0.1, "at least 1")]
    [InlineData(16, 0, 0.1, "at least 1")]
    [InlineData(16, 8, 0, "temperature")]
    [InlineData(16, 8, double.NaN, "temperature")]
    public void Bad_options_are_refused_in_one_line(int hidden, int projection, double temperature, string says)
    {
        var fault = Assert.Throws<ArgumentException>(
            new SimClrOptions { HiddenDim = hidden, ProjectionDim = projection, Temperature = temperature }.Validate);
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Fact]
    public void A_batch_of_one_image_is_refused()
    {
        var fault = Assert.Throws<ArgumentException>(() => new TinyTraining(Small, new() { BatchSize = 1, Epochs = 1 }));
        Assert.Contains("--batch-size", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>Sections 2.2 and 5: two views made alike, with colours changed twice as much as in MoCo v2.</summary>
    [Fact]
    public void Published_settings_are_the_papers()
    {
        var (method, training, views) = new SimClrDefinition().Published(transformer: false);
        Assert.Equal(new SimClrOptions { HiddenDim = 2048, ProjectionDim = 128, Temperature = 0.1 }, method);
        Assert.Equal((OptimizerKind.Lars, 1000, 4096, 10), (training.Optimizer, training.Epochs, training.BatchSize, training.WarmupEpochs));
        Assert.Equal(4.8, training.ScaledLearningRate, 1e-9);
        Assert.Equal((1e-6, 1e-6, 0, 0), (training.WeightDecay, training.WeightDecayEnd, training.MinLearningRate, training.ClipGradient));
        Assert.Equal((0.8, 0.8, 0.8, 0.8, 0.2), (views.JitterProbability, views.Brightness, views.Contrast, views.Saturation, views.Hue));
        Assert.Equal((0.2, 0.5, 0.5, 0), (
            views.GrayscaleProbability, views.FirstGlobalBlurProbability, views.SecondGlobalBlurProbability, views.SolarizeProbability));
        Assert.Equal((0.08, 1, 0), (views.GlobalScale.Low, views.GlobalScale.High, views.LocalCount));
        views.Validate();
    }

    [Fact]
    public void Small_images_get_their_published_temperature()
    {
        var fitting = new Fitting(new(Images: 50_000, ImageSide: 32, BatchSize: 512, Steps: 20_000, Transformer: false));
        var fitted = new SimClrDefinition().Fitted(new SimClrDefinition().Published(transformer: false), fitting);
        Assert.Equal(0.5, ((SimClrOptions)fitted.Method).Temperature);
        Assert.Contains(fitting.Reasons, reason => reason.StartsWith("--temperature 0.5 in place of 0.1", StringComparison.Ordinal));
    }
}
