using DinoSharp.Methods.MocoV3;
using DinoSharp.Tests;
using DinoSharp.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.MocoV3;

public sealed class MocoV3Tests
{
    private static readonly MocoV3Options Small = new() { HiddenDim = 16, ProjectionDim = 8, KeyMomentum = 0.9 };

    /// <summary>Algorithm 1 in plain loops and double precision; gradients by central differences.</summary>
    [Theory]
    [InlineData(0.2)]
    [InlineData(1.0)]
    public void Loss_and_gradients_are_the_papers(double temperature)
    {
        const int images = 6, dim = 5;
        const double step = 1e-6;
        using var scope = NewDisposeScope();
        manual_seed(3);
        var queries = randn(images, dim, dtype: ScalarType.Float64).requires_grad_();
        var keys = randn(images, dim, dtype: ScalarType.Float64).requires_grad_();
        double[] q = queries.data<double>().ToArray(), k = keys.data<double>().ToArray();
        var loss = MocoV3Loss.Of(queries, keys, temperature);
        Assert.Equal(Transcribed(q), loss.item<double>(), 1e-10);
        loss.backward();
        Assert.True(keys.grad is null, "a gradient goes to the keys");
        double[] gradient = queries.grad!.data<double>().ToArray();
        for (int i = 0; i < q.Length; i++)
        {
            double[] more = [.. q], less = [.. q];
            more[i] += step;
            less[i] -= step;
            Assert.Equal((Transcribed(more) - Transcribed(less)) / (2 * step), gradient[i], 1e-7);
        }

        double Transcribed(double[] rows)
        {
            double sum = 0;
            for (int i = 0; i < images; i++)
            {
                double others = 0;
                for (int j = 0; j < images; j++)
                {
                    others += Math.Exp(Cosine(rows, i, j) / temperature);
                }

                sum -= Math.Log(Math.Exp(Cosine(rows, i, i) / temperature) / others);
            }

            return 2 * temperature * sum / images;
        }

        double Cosine(double[] rows, int i, int j)
        {
            double dot = 0, one = 0, other = 0;
            for (int d = 0; d < dim; d++)
            {
                dot += rows[i * dim + d] * k[j * dim + d];
                one += rows[i * dim + d] * rows[i * dim + d];
                other += k[j * dim + d] * k[j * dim + d];
            }

            return dot / Math.Sqrt(one * other);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual) => MethodChecks.Hold(Small, residual: residual);

    /// <summary>A transformer's patch embedding stays where it started, in both networks; all else moves.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Patches_stay_as_they_start_if_frozen(bool frozen)
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small with { FrozenPatches = frozen });
        var before = run.Snapshot();
        run.TrainTo(3);
        var after = run.Snapshot();
        Assert.Equal(frozen, Moved("base.backbone.patch_embed.proj.weight") == 0);
        Assert.Equal(frozen, Moved("key.backbone.patch_embed.proj.weight") < 1e-6); // an average of the same numbers is rounded
        Assert.InRange(Moved("base.backbone.cls_token"), 1e-5, 1);
        Assert.InRange(Moved("key.backbone.cls_token"), 1e-6, 1);

        double Moved(string name) => (before[name] - after[name]).abs().max().item<float>();
    }

    /// <summary>The loss of a step is both directions' sum, by networks that were built as stated.</summary>
    [Fact]
    public void A_step_compares_each_view_with_the_other()
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small with { Temperature = 0.5 });
        var batch = run.Epoch(0, 0).First() with { Crops = [rand(16, 3, 8, 8)] };
        double both = run.Method.Loss(batch, new(0, 0, run.Trainer.Plan)).item<float>();
        var swapped = batch with { Crops = [cat([batch.Crops[0].narrow(0, 8, 8), batch.Crops[0].narrow(0, 0, 8)])] };
        Assert.Equal(both, run.Method.Loss(swapped, new(0, 0, run.Trainer.Plan)).item<float>(), 1e-5);
        // 2τ ln 8 for a network that cannot tell 8 images apart, in each direction.
        Assert.InRange(both, 0.5 * 2 * 2 * 0.5 * Math.Log(8), 2 * 2 * 2 * 0.5 * Math.Log(8));
    }

    /// <summary>As in the authors' code: only a transformer's predictor ends with batch norm.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_predictor_ends_as_published(bool residual)
    {
        using TinyTraining run = new(Small, residual: residual);
        string[] predictor = [.. run.Method.State.Single(section => section.Name == "predictor").Tensors.Select(entry => entry.Name)];
        Assert.Equal(!residual, predictor.Contains("4.running_mean"));
        Assert.DoesNotContain("3.bias", predictor);
    }

    /// <summary>The key encoder's momentum goes from its first value to 1 by half a cosine.</summary>
    [Fact]
    public void The_key_encoder_follows_by_the_schedule()
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small);
        run.TrainTo(5);
        var before = run.Snapshot();
        run.TrainTo(6);
        var after = run.Snapshot();
        double momentum = 1 - (1 - 0.9) * (Math.Cos(Math.PI * 5 / run.Trainer.Plan.TotalSteps) + 1) / 2;
        const string name = "key.backbone.blocks.0.attn.qkv.weight";
        Golden.AssertClose(momentum * before[name] + (1 - momentum) * after["base." + name["key.".Length..]], after[name], 1e-6, name);
        Assert.True((before[name] - after[name]).abs().max().item<float>() > 1e-6);
    }

    [Fact]
    public void Collapse_is_diagnosed() => CollapseChecks.Hold(Small, "--frozen-patches");

    [Fact]
    public void Outputs_that_are_all_alike_are_measured() => CollapseChecks.MeasuresSpread(Small);

    public static TheoryData<MocoV3Options, string> Bad => new()
    {
        { Small with { ProjectorLayers = 0 }, "at least 1" },
        { Small with { ProjectionDim = 0 }, "at least 1" },
        { Small with { KeyMomentum = -0.1 }, "-0.1" },
        { Small with { Temperature = double.NaN }, "temperature" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Bad_options_are_refused_in_one_line(MocoV3Options options, string says)
    {
        var fault = Assert.Throws<ArgumentException>(options.Validate);
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Fact]
    public void A_batch_of_one_image_is_refused() => Assert.Contains(
        "--batch-size",
        Assert.Throws<ArgumentException>(() => new TinyTraining(Small, new() { BatchSize = 1, Epochs = 1 })).Message,
        StringComparison.Ordinal);

    /// <summary>Sections 3 and 4.3 and the authors' code.</summary>
    [Fact]
    public void Published_settings_are_the_papers()
    {
        var (method, training, views) = new MocoV3Definition().Published(transformer: true);
        Assert.Equal(
            new MocoV3Options
            {
                ProjectorLayers = 3,
                HiddenDim = 4096,
                ProjectionDim = 256,
                KeyMomentum = 0.99,
                Temperature = 0.2,
                FrozenPatches = true,
            },
            method);
        Assert.Equal((OptimizerKind.AdamW, 300, 4096, 40), (training.Optimizer, training.Epochs, training.BatchSize, training.WarmupEpochs));
        Assert.Equal(2.4e-3, training.ScaledLearningRate, 1e-9);
        Assert.Equal((0.1, 0.1, 0, 0), (training.WeightDecay, training.WeightDecayEnd, training.MinLearningRate, training.ClipGradient));
        Assert.Equal((0.08, 1, 0.2, 1, 0.1, 0.2), (
            views.GlobalScale.Low, views.FirstGlobalBlurProbability, views.Saturation, views.GlobalScale.High, views.SecondGlobalBlurProbability,
            views.SolarizeProbability));

        (method, training, views) = new MocoV3Definition().Published(transformer: false);
        Assert.Equal(new MocoV3Options { ProjectorLayers = 2, KeyMomentum = 0.996, Temperature = 1 }, method);
        Assert.Equal((OptimizerKind.Lars, 1000, 4096, 1.5e-6), (training.Optimizer, training.Epochs, training.BatchSize, training.WeightDecay));
        Assert.Equal(4.8, training.ScaledLearningRate, 1e-9);
        Assert.Equal(0.2, views.GlobalScale.Low);
    }
}
