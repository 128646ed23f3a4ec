using DinoSharp.Methods.Dino;
using DinoSharp.Tests;
using DinoSharp.Training;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>A batch that makes the loss NaN leaves no trace: neither in what is saved nor in the steps that follow.</summary>
public sealed class DivergenceTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_batch_that_is_not_finite_leaves_no_trace(int parts)
    {
        using var scope = NewDisposeScope();
        using TestFolder folder = new();
        string path = Path.Combine(folder.Path, "diverged.pth");
        var training = TinyDino.Training with { AccumulationSteps = parts };
        using TinyDino undisturbed = new(training: training), run = new(training: training), dump = new(training: training, seed: 2);
        undisturbed.TrainTo(5);
        run.TrainTo(5);
        var before = run.Snapshot();
        var poisoned = run.Crops(5);
        poisoned[0].narrow(0, 3, 1).fill_(float.NaN);

        var error = Assert.Throws<TrainingDivergedException>(() => run.Trainer.Step(new(poisoned, [])));
        Assert.StartsWith("the loss became NaN at step 5", error.Message, StringComparison.Ordinal);
        TinyDino.AssertSame(before, run.Snapshot(), "after the failure");
        run.Save(path);
        dump.Load(path);
        TinyDino.AssertSame(before, dump.Snapshot(), "the dump");

        undisturbed.Method.TakeMetrics();
        undisturbed.TrainTo(9);
        run.TrainTo(9);
        TinyDino.AssertSame(undisturbed.Snapshot(), run.Snapshot(), "steps after the failure");
        Assert.Equal(undisturbed.Method.TakeMetrics(), run.Method.TakeMetrics());
    }
}
