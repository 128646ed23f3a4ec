using DinoSharp.Data;
using DinoSharp.Models.Layers;
using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>What is asked of every method: it moves, ends as if never killed, leaves no tensor, and does so in every precision.</summary>
internal static class MethodChecks
{
    /// <summary>A training killed and resumed at every kind of place ends with the same bits, and no tensor outlives its step.</summary>
    public static void Hold(
        MethodOptions options,
        MultiCropOptions? views = null,
        bool residual = false,
        ImageLabels? labels = null,
        int localSide = TinyTraining.LocalSide)
    {
        using var scope = NewDisposeScope();
        using var whole = Create();
        var start = whole.Snapshot();
        whole.TrainTo(whole.Trainer.Plan.StepsPerEpoch + 1);
        long tensors = TensorCount.Settled();
        whole.TrainTo(2 * whole.Trainer.Plan.StepsPerEpoch + 1);
        Assert.Equal(tensors, Tensor.TotalCount);
        whole.TrainTo(whole.Trainer.Plan.TotalSteps);
        var expected = whole.Snapshot();
        Assert.Contains(start, entry => (entry.Value - expected[entry.Key]).abs().max().ToDouble() > 1e-6);
        var metrics = whole.Method.TakeMetrics();
        Assert.All(metrics, metric => Assert.True(double.IsFinite(metric.Value), $"{metric.Name} is {metric.Value}"));

        using var folder = new TestFolder();
        string path = Path.Combine(folder.Path, "checkpoint.pth");
        int epoch = whole.Trainer.Plan.StepsPerEpoch;
        foreach (int killedAt in (int[])[1, epoch, epoch + epoch / 2])
        {
            using (var killed = Create())
            {
                killed.TrainTo(killedAt);
                killed.Save(path);
            }

            using var resumed = Create();
            resumed.Load(path);
            resumed.TrainTo(resumed.Trainer.Plan.TotalSteps);
            TinyDino.AssertSame(expected, resumed.Snapshot(), $"killed after {killedAt} steps");
        }

        HoldInLowerPrecisions(Create);

        TinyTraining Create(Precision precision = Precision.Float32) =>
            new(options, TinyTraining.Plain with { Precision = precision }, views, residual, labels, localSide);
    }

    /// <summary>
    /// The first step has the loss of float32 within 6 % or 0.01 and its largest gradient within a quarter, a killed training ends with the same bits, no
    /// tensor outlives its step, and the checkpoint is one of float32, too.
    /// </summary>
    private static void HoldInLowerPrecisions(Func<Precision, TinyTraining> create)
    {
        using var scope = NewDisposeScope();
        using var folder = new TestFolder();
        string path = Path.Combine(folder.Path, "checkpoint.pth");
        using var exact = create(Precision.Float32);
        var (loss, norm) = exact.FirstStep();
        foreach (var precision in (Precision[])[Precision.Bf16, Precision.Fp16])
        {
            using var whole = create(precision);
            whole.Trainer.LossScale?.Restore(4, 0); // not so large that the first step overflows
            var (lowerLoss, lowerNorm) = whole.FirstStep();
            Assert.True(Math.Abs(lowerLoss - loss) < 0.06 * Math.Abs(loss) + 0.01, $"{precision}: a loss of {lowerLoss} in place of {loss}");
            Assert.True(Math.Abs(lowerNorm - norm) < 0.25 * norm, $"{precision}: a gradient of {lowerNorm} in place of {norm}");
            whole.TrainTo(2);
            long tensors = TensorCount.Settled();
            whole.TrainTo(3);
            Assert.Equal(tensors, Tensor.TotalCount);
            whole.Save(path);
            whole.TrainTo(whole.Trainer.Plan.StepsPerEpoch + 2);

            using var resumed = create(precision);
            resumed.Load(path);
            resumed.TrainTo(whole.Trainer.StepsDone);
            TinyDino.AssertSame(whole.Snapshot(), resumed.Snapshot(), $"{precision}, resumed");
            Assert.Equal(whole.Trainer.LossScale?.GoodSteps, resumed.Trainer.LossScale?.GoodSteps);

            using var inFloat32 = create(Precision.Float32);
            inFloat32.Load(path);
        }
    }
}
