using DinoSharp.Data;
using DinoSharp.Methods.Swav;
using DinoSharp.Models;
using DinoSharp.Tests;
using DinoSharp.Training.Optimizers;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.Swav;

public sealed class SwavTests
{
    private static readonly SwavOptions Small = new() { HiddenDim = 16, ProjectionDim = 8, Prototypes = 6 };
    private static readonly MultiCropOptions MultiCrop = new() { LocalCount = 2 };

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 12)]
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual, int queue) =>
        MethodChecks.Hold(Small with { FeatureQueue = queue, FeatureQueueEpoch = 0 }, MultiCrop, residual);

    [Theory]
    [InlineData("swav-2-views", 2)]
    [InlineData("swav-multi-crop", 4)]
    public void Loss_and_gradients_are_the_references(string name, int views)
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Read("other-methods/losses.safetensors");
        var expected = Golden.Json("other-methods/losses.json").GetProperty(name);
        var scores = stack([.. Enumerable.Range(0, views).Select(v => golden[$"swav.scores{v}"])]).requires_grad_();
        var codes = stack([.. Enumerable.Range(0, 2).Select(v => Sinkhorn.Codes(scores[v], 0.05, 3))]);
        var loss = SwavLoss.Of(scores, codes, 0.1);
        loss.backward();

        Assert.Equal(expected.GetProperty("loss-float64").GetDouble(), loss.item<float>(), 1e-5);
        for (int v = 0; v < views; v++)
        {
            Golden.AssertClose(golden[$"{name}.grad.scores{v}"], scores.grad![v], 1e-6, $"gradient of view {v}");
        }
    }

    /// <summary>The loss of a step, from network and queue as they stand, against plain loops; a queue not yet full takes no part.</summary>
    [Theory]
    [InlineData(4, false)] // the queue's first epoch begins: nothing in it
    [InlineData(5, false)] // 8 of 16
    [InlineData(6, true)]
    [InlineData(9, true)]
    public void A_full_queue_takes_part_in_the_assignment(int stepsDone, bool used)
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small with { FeatureQueue = 16, FeatureQueueEpoch = 1 }, views: MultiCrop);
        run.TrainTo(stepsDone);
        var queue = run.Method.State.Single(s => s.Name == "queue").Tensors[0].Tensor; // [16, 2, 8]
        var prototypes = run.Method.State.Single(s => s.Name == "prototypes").Tensors[0].Tensor.detach();
        Golden.AssertClose(ones(6), prototypes.norm(1), 1e-6, "lengths of the prototypes");

        var encoder = run.Method.Trained.children().OfType<MultiCropEncoder>().Single();
        var step = run.Trainer.Plan.StepAfter(stepsDone);
        using var batches = run.Epoch(step.Epoch, stepsDone % 4).GetEnumerator();
        batches.MoveNext();
        var batch = batches.Current;
        double actual = run.Method.Loss(batch, step).item<float>();
        run.Method.AbandonStep();
        var features = nn.functional.normalize(encoder.Forward(batch.Crops).detach(), dim: 1).view(4, 8, 8); // [V, B, P]
        double expected = 0;
        for (int crop = 0; crop < 2; crop++)
        {
            var assigned = used ? cat([features[crop], queue.select(1, crop)]) : features[crop];
            double[,] codes = SinkhornTests.Transcribed(assigned.mm(prototypes.t()), 0.05, 3);
            foreach (int other in Enumerable.Range(0, 4).Where(v => v != crop))
            {
                var logs = (features[other].mm(prototypes.t()).to(ScalarType.Float64) / 0.1).log_softmax(1);
                for (int i = 0; i < 8; i++)
                {
                    for (int k = 0; k < 6; k++)
                    {
                        expected -= codes[i, k] * logs[i, k].item<double>() / (8 * 3 * 2);
                    }
                }
            }
        }

        Assert.Equal(expected, actual, 2e-5);
    }

    [Fact]
    public void The_queue_holds_the_latest_projections_and_the_oldest_give_way()
    {
        using var scope = NewDisposeScope();
        using FeatureRing ring = new(zeros(5, 1));
        ring.Hold(tensor(new float[,] { { 1 }, { 2 }, { 3 } }));
        Assert.Equal(0, ring.Values.sum().item<float>()); // only held
        ring.Commit(before: 0);
        ring.Hold(tensor(new float[,] { { 4 }, { 5 }, { 6 } }));
        ring.Commit(before: 3);
        Assert.Equal([6, 2, 3, 4, 5], ring.Values.data<float>().ToArray());
        ring.Hold(tensor(new float[,] { { 9 } }));
        ring.Forget();
        ring.Commit(before: 6);
        Assert.Equal([6, 2, 3, 4, 5], ring.Values.data<float>().ToArray());
    }

    [Fact]
    public void Prototypes_stay_still_in_the_first_epoch_only()
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small, views: MultiCrop);
        Tensor Prototypes() => run.Snapshot()["prototypes.weight"];
        var start = Prototypes();
        run.TrainTo(4);
        Assert.Equal(0, (Prototypes() - start).abs().max().item<float>());
        run.TrainTo(5);
        Assert.True((Prototypes() - start).abs().max().item<float>() > 1e-5);
    }

    [Theory]
    [InlineData(6, "--prototypes")] // a projection of 8 numbers can be alike to 6 prototypes
    [InlineData(12, "--sinkhorn-epsilon")]
    public void Collapse_is_measured_and_told_with_what_helps(int prototypes, string remedy)
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small with { Prototypes = prototypes }, views: MultiCrop);
        using (no_grad())
        {
            foreach (var parameter in run.Method.Trained.children().First().parameters())
            {
                parameter.zero_(); // the same projection for all images
            }

            run.Method.Trained.children().First().parameters().Last().fill_(1f);
        }

        using var batches = run.Epoch(0, 0).GetEnumerator();
        batches.MoveNext();
        run.Method.Loss(batches.Current, run.Trainer.Plan.StepAfter(0));
        run.Method.AfterOptimizerStep(run.Trainer.Plan.StepAfter(0));
        var metrics = run.Method.TakeMetrics();
        Assert.Equal(Math.Log(prototypes), metrics.Single(m => m.Name == "assignment_entropy").Value, 1e-4);
        Assert.Contains(remedy, run.Method.Diagnose(metrics, new(400, 5, run.Trainer.Plan)), StringComparison.Ordinal);
        Assert.Null(run.Method.Diagnose(metrics, new(100, 5, run.Trainer.Plan)));

        using TinyTraining healthy = new(Small, views: MultiCrop);
        healthy.TrainTo(1);
        Assert.Null(run.Method.Diagnose(healthy.Method.TakeMetrics(), new(400, 5, run.Trainer.Plan)));
    }

    [Fact]
    public void Bad_options_give_one_clear_line()
    {
        Refused(Small with { Prototypes = 1 }, "prototypes");
        Refused(Small with { PrototypeTemperature = 0 }, "temperature");
        Refused(Small with { SinkhornEpsilon = double.NaN }, "softness");
        Refused(Small with { SinkhornIterations = 0 }, "iteration");
        Refused(Small with { FreezePrototypesEpochs = -1 }, "epochs");
        Refused(Small with { FeatureQueue = -1 }, "queue");
        Refused(Small with { FeatureQueue = 7 }, "--feature-queue 7 does not hold a batch of 8");
        Refused(Small, "1 crop", new() { GlobalCount = 1, LocalCount = 0 });

        static void Refused(SwavOptions options, string expected, MultiCropOptions? views = null)
        {
            var error = Assert.Throws<ArgumentException>(() => new TinyTraining(options, views: views ?? MultiCrop));
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Fact]
    public void Settings_fit_a_small_training()
    {
        var definition = MethodCatalogue.Named("swav");
        var published = definition.Published(transformer: false);
        Assert.Equal(4.8, published.Training.ScaledLearningRate, 1e-9);
        var fitting = new Fitting(new(Images: 50_000, ImageSide: 32, BatchSize: 256, Steps: 20_000, Transformer: false));
        var fitted = definition.Fitted(published, fitting);
        var options = (SwavOptions)fitted.Method;
        Assert.Equal((512, 0.03, 2500, 15), (options.Prototypes, options.SinkhornEpsilon, options.FeatureQueue, options.FeatureQueueEpoch));
        var brief = (SwavOptions)definition.Fitted(published, new Fitting(fitting.Facts with { Steps = 1000 })).Method;
        Assert.Equal(0, brief.FeatureQueue); // it would begin after the end
        Assert.Equal((OptimizerKind.Lars, 0.6), (fitted.Training.Optimizer, fitted.Training.LearningRate));
        Assert.Equal(0, fitted.Views.LocalBlurProbability);
        Assert.Contains(fitting.Reasons, reason => reason.StartsWith("--prototypes 512 in place of 3000", StringComparison.Ordinal));
        Assert.Equal(published, definition.Fitted(published, new Fitting(new(1_281_167, 400, 4096, 250_000, Transformer: false))));
    }
}
