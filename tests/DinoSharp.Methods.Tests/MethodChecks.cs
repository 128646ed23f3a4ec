using DinoSharp.Data;
using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>What is asked of every method: it moves, ends as if never killed, and leaves no tensor.</summary>
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
        using TinyTraining whole = new(options, views: views, residual: residual, labels: labels, localSide: localSide);
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
            using (TinyTraining killed = new(options, views: views, residual: residual, labels: labels, localSide: localSide))
            {
                killed.TrainTo(killedAt);
                killed.Save(path);
            }

            using TinyTraining resumed = new(options, views: views, residual: residual, labels: labels, localSide: localSide);
            resumed.Load(path);
            resumed.TrainTo(resumed.Trainer.Plan.TotalSteps);
            TinyDino.AssertSame(expected, resumed.Snapshot(), $"killed after {killedAt} steps");
        }
    }
}
