using DinoSharp.Methods.MocoV2;
using DinoSharp.Models.Backbones;
using DinoSharp.Tests;
using DinoSharp.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.MocoV2;

public sealed class MocoV2Tests
{
    private static readonly MocoV2Options Small = new()
    {
        QueueSize = 16,
        KeyMomentum = 0.9,
        HiddenDim = 16,
        ProjectionDim = 8,
        NormGroups = 2,
    };

    /// <summary>Three calls: the queue in the loss is that from before, and the batch that reaches the end is cut.</summary>
    [Fact]
    public void Losses_gradients_and_queues_are_the_golden_ones()
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("other-methods/losses.safetensors");
        var stated = Golden.Json("other-methods/losses.json").GetProperty("moco");
        double temperature = stated.GetProperty("temperature").GetDouble();
        var (size, dim) = (golden["moco.queue0"].size(0), golden["moco.queue0"].size(1));
        using QueuedKeys queue = new((int)size, (int)dim, CPU);
        queue.Keys.copy_(golden["moco.queue0"]);
        int call = 0;
        foreach (var expected in stated.GetProperty("calls").EnumerateArray())
        {
            var query = golden[$"moco.query{call}"].clone().requires_grad_();
            var keys = nn.functional.normalize(golden[$"moco.key{call}"], dim: 1).requires_grad_();
            var loss = MocoLoss.Of(query, keys, queue.Keys, temperature);
            Assert.Equal(expected.GetProperty("loss").GetDouble(), loss.item<float>(), 1e-5);
            loss.backward();
            Golden.AssertClose(golden[$"moco.grad.query{call}"], query.grad!, 1e-6, $"gradient of call {call}");
            Assert.True(keys.grad is null, "a gradient goes to the keys");
            queue.Stage(keys);
            Golden.AssertClose(golden[$"moco.queue{call}"], queue.Keys, 1e-6, $"queue before the end of call {call}");
            queue.Commit();
            call++;
            Golden.AssertClose(golden[$"moco.queue{call}"], queue.Keys, 1e-6, $"queue after call {call - 1}");
            Assert.Equal(expected.GetProperty("pointer-after").GetInt64(), queue.Position);
        }

        Assert.Equal(3, call);
    }

    [Theory]
    [InlineData(false, 16)]
    [InlineData(true, 16)]
    [InlineData(true, 20)] // batches that are cut at its end
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual, int queue) =>
        MethodChecks.Hold(Small with { QueueSize = queue }, residual: residual);

    /// <summary>After each step the queue has the step's keys in place of the oldest, and the key encoder has followed.</summary>
    [Fact]
    public void A_step_moves_queue_and_key_encoder()
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small);
        var before = run.Snapshot();
        run.TrainTo(1);
        var after = run.Snapshot();
        Assert.Equal((0, 8), (before["queue.position"].item<long>(), after["queue.position"].item<long>()));
        Golden.AssertClose(before["queue.keys"].narrow(0, 8, 8), after["queue.keys"].narrow(0, 8, 8), 0, "keys that stay");
        Assert.True((before["queue.keys"] - after["queue.keys"]).narrow(0, 0, 8).abs().amin(1).min().item<float>() > 0);
        Golden.AssertClose(ones(16), after["queue.keys"].norm(1), 1e-5, "lengths of the keys");
        foreach (string name in before.Keys.Where(k => k.StartsWith("key.", StringComparison.Ordinal)))
        {
            Golden.AssertClose(0.9 * before[name] + 0.1 * after["query." + name["key.".Length..]], after[name], 1e-6, name);
        }

        run.TrainTo(2);
        Assert.Equal(0, run.Snapshot()["queue.position"].item<long>());
    }

    /// <summary>The loss of a step that is abandoned leaves no keys behind.</summary>
    [Fact]
    public void An_abandoned_step_leaves_the_queue()
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small);
        var before = run.Snapshot();
        using (var loss = run.Method.Loss(run.Epoch(0, 0).First() with { Crops = [rand(16, 3, 8, 8)] }, new(0, 0, run.Trainer.Plan)))
        {
            run.Method.AbandonStep();
        }

        TinyDino.AssertSame(before, run.Snapshot(), "abandoned");
        Assert.Throws<InvalidOperationException>(() => run.Method.AfterOptimizerStep(new(0, 0, run.Trainer.Plan)));
    }

    /// <summary>With statistics out of the way, the order in which groups were shuffled must not be seen.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Shuffled_keys_come_back_in_their_order(int groups)
    {
        using var scope = NewDisposeScope();
        using var encoders = Encoders(groups);
        encoders.Key.eval();
        var view = rand(9, 3, 8, 8);
        var expected = nn.functional.normalize(encoders.Key.Forward([view]), dim: 1);
        Golden.AssertClose(expected, encoders.Keys(view), 1e-5, "keys");
        Assert.False(encoders.Keys(view).requires_grad);
    }

    /// <summary>In training each group has statistics of its own: queries in their order, keys in another one.</summary>
    [Fact]
    public void Groups_are_normalised_by_themselves_and_keys_in_other_groups_than_queries()
    {
        using var scope = NewDisposeScope();
        using var encoders = Encoders(2);
        var view = rand(8, 3, 8, 8);
        var halves = cat([encoders.Query.Forward([view.narrow(0, 0, 4)]), encoders.Query.Forward([view.narrow(0, 4, 4)])]);
        Golden.AssertClose(halves, encoders.Queries(view), 1e-5, "queries");
        var whole = encoders.Query.Forward([view]);
        Assert.True((whole - halves).abs().max().item<float>() > 1e-3, "groups do not matter");
        double difference = (nn.functional.normalize(halves, dim: 1) - encoders.Keys(view)).abs().max().item<float>();
        Assert.True(difference > 1e-3, "the keys' groups are the queries'");
    }

    [Fact]
    public void Collapse_is_diagnosed() => CollapseChecks.Hold(Small, "--key-momentum");

    [Fact]
    public void Outputs_that_are_all_alike_are_measured() => CollapseChecks.MeasuresSpread(Small);

    public static TheoryData<MocoV2Options, string> Bad => new()
    {
        { Small with { QueueSize = 0 }, "queue" },
        { Small with { KeyMomentum = 1.5 }, "1.5" },
        { Small with { KeyMomentum = double.NaN }, "NaN" },
        { Small with { Temperature = 0 }, "temperature" },
        { Small with { NormGroups = 0 }, "group" },
        { Small with { HiddenDim = 0 }, "at least 1" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Bad_options_are_refused_in_one_line(MocoV2Options options, string says)
    {
        var fault = Assert.Throws<ArgumentException>(options.Validate);
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Fact]
    public void What_does_not_fit_the_batch_is_refused_with_the_option_that_helps()
    {
        Assert.Contains(
            "--queue-size",
            Assert.Throws<ArgumentException>(() => new TinyTraining(Small with { QueueSize = 7 })).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "--norm-groups",
            Assert.Throws<ArgumentException>(() => new TinyTraining(Small with { NormGroups = 5 }, residual: true)).Message,
            StringComparison.Ordinal);
        using TinyTraining withoutBatchNorm = new(Small with { NormGroups = 5 });
    }

    /// <summary>Section 3 and the authors' code.</summary>
    [Fact]
    public void Published_settings_are_the_papers()
    {
        var (method, training, views) = new MocoV2Definition().Published(transformer: false);
        Assert.Equal(
            new MocoV2Options
            {
                QueueSize = 65536,
                KeyMomentum = 0.999,
                Temperature = 0.2,
                HiddenDim = 2048,
                ProjectionDim = 128,
                NormGroups = 8,
            },
            method);
        Assert.Equal((OptimizerKind.Sgd, 200, 256, 0), (training.Optimizer, training.Epochs, training.BatchSize, training.WarmupEpochs));
        Assert.Equal((0.03, 1e-4, 1e-4, 0, 0), (
            training.ScaledLearningRate, training.WeightDecay, training.WeightDecayEnd, training.MinLearningRate, training.ClipGradient));
        Assert.Equal((0.8, 0.4, 0.4, 0.4, 0.1), (views.JitterProbability, views.Brightness, views.Contrast, views.Saturation, views.Hue));
        Assert.Equal((0.2, 0.5, 0.5, 0), (
            views.GrayscaleProbability, views.FirstGlobalBlurProbability, views.SecondGlobalBlurProbability, views.SolarizeProbability));
        Assert.Equal((0.2, 1, 0), (views.GlobalScale.Low, views.GlobalScale.High, views.LocalCount));
    }

    [Theory]
    [InlineData(50_000, 256, 65536, 12288, 8)]
    [InlineData(5_000_000, 256, 65536, 65536, 8)]
    [InlineData(5_000_000, 100, 65536, 65500, 3)]
    [InlineData(300, 100, 65536, 100, 3)]
    [InlineData(50_000, 16, 65536, 12496, 2)]
    public void A_queue_fits_the_images_in_whole_batches(int images, int batch, int published, int queue, int groups)
    {
        var fitting = new Fitting(new(images, ImageSide: 224, batch, Steps: 1_000_000, Transformer: false));
        Assert.Equal(published, new MocoV2Options().QueueSize);
        var fitted = (MocoV2Options)new MocoV2Definition().Fitted(new MocoV2Definition().Published(transformer: false), fitting).Method;
        Assert.Equal((queue, groups), (fitted.QueueSize, fitted.NormGroups));
        Assert.Equal(queue != published, fitting.Reasons.Any(reason => reason.StartsWith($"--queue-size {queue}", StringComparison.Ordinal)));
    }

    /// <summary>Each process has as many groups of a batch, as near to 32 images as that allows; without batch norm there is nothing to fit.</summary>
    [Theory]
    [InlineData(64, 1, true, 2)]
    [InlineData(64, 4, true, 4)]
    [InlineData(128, 8, true, 8)]
    [InlineData(96, 3, true, 3)]
    [InlineData(100, 2, true, 2)]
    [InlineData(64, 4, false, 8)]
    public void Groups_of_a_batch_go_into_the_processes(int batch, int processes, bool batchNorm, int groups)
    {
        var facts = new TrainingFacts(5_000_000, ImageSide: 224, batch, Steps: 1_000_000, Transformer: true) { BatchNorm = batchNorm, Processes = processes };
        Assert.Equal(groups, QueueSettings.Groups(new MocoV2Options().NormGroups, new Fitting(facts)));
    }

    private static MomentumEncoders Encoders(int groups)
    {
        manual_seed(2);
        return new(
            new()
            {
                CreateBackbone = _ => new ResNet(new() { Blocks = [1, 1, 1, 1], Bottlenecks = false, Width = 4, SmallStem = true }),
                Training = new() { BatchSize = 8, Epochs = 1 },
                Plan = new(1, 1),
                Views = new(),
                Images = 8,
                Device = CPU,
            },
            Small.Head,
            groups);
    }
}
