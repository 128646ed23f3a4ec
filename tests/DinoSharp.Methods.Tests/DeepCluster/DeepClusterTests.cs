using DinoSharp.Data;
using DinoSharp.Methods.DeepCluster;
using DinoSharp.Models;
using DinoSharp.Tests;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests.DeepCluster;

public sealed class DeepClusterTests
{
    private static readonly DeepClusterOptions Small = new() { HiddenDim = 16, ProjectionDim = 8, Prototypes = 5 };
    private static readonly MultiCropOptions MultiCrop = new() { LocalCount = 2 };
    private static readonly TrainingOptions OddBatches = new() { Epochs = 2, BatchSize = 5, LearningRate = 0.05, WarmupEpochs = 0 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_moves_resumes_to_the_bit_and_leaves_no_tensor(bool residual) => MethodChecks.Hold(Small, MultiCrop, residual);

    [Fact]
    public void Loss_and_gradient_are_those_of_plain_loops()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var projections = nn.functional.normalize(randn([3, 4, 6], float64), dim: 2); // [V, B, P]
        var centroids = nn.functional.normalize(randn([2, 5, 6], float64), dim: 2); // [H, K, P]
        var targets = tensor(new long[,] { { 1, 4, -100, 0 }, { -100, -100, -100, -100 } });
        var moving = projections.clone().requires_grad_();
        var loss = DeepClusterLoss.Of(moving, centroids, targets, 0.1);
        loss.backward();
        Assert.Equal(Transcribed(projections), loss.item<double>(), 1e-12);

        const double step = 1e-5;
        foreach (var (v, b, p) in (ReadOnlySpan<(int, int, int)>)[(0, 0, 0), (1, 1, 5), (2, 3, 2), (2, 2, 2)])
        {
            double At(double change)
            {
                var changed = projections.clone();
                changed[v, b, p] = changed[v, b, p] + change;
                return Transcribed(changed);
            }

            Assert.Equal((At(step) - At(-step)) / (2 * step), moving.grad![v, b, p].item<double>(), 1e-7);
        }

        Assert.NotEqual(0, moving.grad![0, 0, 0].item<double>());

        double Transcribed(Tensor rows)
        {
            double sum = 0;
            for (int head = 0; head < 2; head++)
            {
                var terms = new List<double>();
                for (int v = 0; v < 3; v++)
                {
                    for (int b = 0; b < 4; b++)
                    {
                        long target = targets[head, b].item<long>();
                        if (target >= 0)
                        {
                            double[] logits = [.. Enumerable.Range(0, 5).Select(k => Enumerable.Range(0, 6)
                                .Sum(p => rows[v, b, p].item<double>() * centroids[head, k, p].item<double>()) / 0.1)];
                            terms.Add(Math.Log(logits.Sum(Math.Exp)) - logits[target]);
                        }
                    }
                }

                sum += terms.Count > 0 ? terms.Average() : 0;
            }

            return sum / 2;
        }
    }

    /// <summary>In the second epoch, which the clustering of the first one's projections began.</summary>
    [Fact]
    public void Targets_are_the_nearest_centroids_of_the_last_epochs_projections()
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small, OddBatches, MultiCrop); // 6 batches of 5 of the 32 images
        Tensor Live(string section, string name) =>
            run.Method.State.Single(s => s.Name == section).Tensors.Single(t => t.Name == name).Tensor;
        run.TrainTo(6);
        var memory = Live("memory", "projections").clone(); // [30, 2, 8]
        var images = Live("memory", "images").clone();
        Assert.Equal(30, images.data<long>().Distinct().Count());
        run.Method.BeginEpoch(1, []);

        var (centroids, targets) = (Live("clusters", "centroids"), Live("clusters", "targets"));
        Golden.AssertClose(ones(3, 5), centroids.norm(2), 1e-6, "lengths");
        for (int head = 0; head < 3; head++)
        {
            Assert.Equal(2, targets[head].eq(-100).sum().item<long>()); // not in the first epoch
            var cosines = memory.select(1, head % 2).mm(centroids[head].t()); // the crops take turns
            for (int row = 0; row < 30; row++)
            {
                Assert.Equal(cosines[row].argmax().item<long>(), targets[head, images[row].item<long>()].item<long>());
            }
        }

        Assert.True((centroids[0] - centroids[2]).abs().max().item<float>() > 1e-3); // not one clustering thrice
    }

    [Fact]
    public void A_step_remembers_the_global_crops_projections()
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small, OddBatches, MultiCrop);
        run.TrainTo(1);
        var encoder = (MultiCropEncoder)run.Method.Trained;
        var step = run.Trainer.Plan.StepAfter(1);
        using var batches = run.Epoch(0, 1).GetEnumerator();
        batches.MoveNext();
        var expected = nn.functional.normalize(encoder.Forward(batches.Current.Crops).detach(), dim: 1).view(4, 5, 8);
        var memory = run.Method.State.Single(s => s.Name == "memory");
        var before = memory.Tensors[0].Tensor.clone();
        run.Method.Loss(batches.Current, step);
        run.Method.AbandonStep();
        run.Method.AfterOptimizerStep(step);
        Golden.AssertClose(before, memory.Tensors[0].Tensor, 0, "after a step that failed");
        run.Method.Loss(batches.Current, step);
        run.Method.AfterOptimizerStep(step);
        Golden.AssertClose(expected.narrow(0, 0, 2).transpose(0, 1), memory.Tensors[0].Tensor.narrow(0, 5, 5), 1e-6, "projections");
        Assert.Equal(batches.Current.Images, memory.Tensors[1].Tensor.narrow(0, 5, 5).data<long>().ToArray());
    }

    [Fact]
    public void Collapse_is_measured_and_told_with_what_helps()
    {
        using var scope = NewDisposeScope();
        using TinyTraining run = new(Small, views: MultiCrop);
        using (no_grad())
        {
            foreach (var parameter in run.Method.Trained.parameters())
            {
                parameter.zero_(); // the same projection for all images
            }

            run.Method.Trained.parameters().Last().fill_(1f);
        }

        run.TrainTo(2);
        var metrics = run.Method.TakeMetrics();
        Assert.Contains("--lr", run.Method.Diagnose(metrics, new(400, 5, run.Trainer.Plan)), StringComparison.Ordinal);
        Assert.Null(run.Method.Diagnose(metrics, new(100, 5, run.Trainer.Plan)));

        using TinyTraining healthy = new(Small, views: MultiCrop);
        healthy.TrainTo(1);
        Assert.Null(run.Method.Diagnose(healthy.Method.TakeMetrics(), new(400, 5, run.Trainer.Plan)));
    }

    [Fact]
    public void Bad_options_give_one_clear_line()
    {
        Refused(Small with { Prototypes = 1 }, "clusters");
        Refused(Small with { Clusterings = 0 }, "clustering");
        Refused(Small with { KmeansIterations = 0 }, "iteration");
        Refused(Small with { PrototypeTemperature = double.NaN }, "temperature");
        Refused(Small with { Prototypes = 33 }, "an epoch of 32 images does not make 33 clusters: lower --prototypes");

        static void Refused(DeepClusterOptions options, string expected)
        {
            var error = Assert.Throws<ArgumentException>(() => new TinyTraining(options, views: MultiCrop));
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Fact]
    public void Settings_fit_a_small_training()
    {
        var definition = MethodCatalogue.Named("deepcluster-v2");
        var published = definition.Published(transformer: false);
        var fitting = new Fitting(new(Images: 10_000, ImageSide: 32, BatchSize: 256, Steps: 20_000, Transformer: false));
        var fitted = definition.Fitted(published, fitting);
        Assert.Equal(500, ((DeepClusterOptions)fitted.Method).Prototypes);
        Assert.Equal(0.6, fitted.Training.LearningRate);
        Assert.Contains(fitting.Reasons, reason => reason.StartsWith("--prototypes 500 in place of 3000", StringComparison.Ordinal));
        Assert.Equal(published, definition.Fitted(published, new Fitting(new(1_281_167, 400, 4096, 250_000, Transformer: false))));
    }
}
