using DinoSharp.Methods.Dino;
using DinoSharp.Tests;
using DinoSharp.Training.Optimizers;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>A training that was saved and taken up again by new objects ends with the bits of one that never stopped.</summary>
public sealed class ResumptionTests
{
    private const int StepsPerEpoch = 4;
    private const int Steps = 12;

    [Theory]
    [InlineData(OptimizerKind.AdamW, TeacherKind.Momentum)]
    [InlineData(OptimizerKind.AdamW, TeacherKind.PreviousEpoch)]
    [InlineData(OptimizerKind.Sgd, TeacherKind.PreviousStep)]
    [InlineData(OptimizerKind.Sgd, TeacherKind.PreviousEpoch)]
    [InlineData(OptimizerKind.Lars, TeacherKind.Momentum)]
    [InlineData(OptimizerKind.Lars, TeacherKind.Student)]
    public void A_resumed_run_ends_with_the_same_bits(OptimizerKind optimizer, TeacherKind teacher)
    {
        using var scope = NewDisposeScope();
        using TestFolder folder = new();
        string path = Path.Combine(folder.Path, "state.pth");
        var options = TinyDino.Options with
        {
            Teacher = teacher,
            FreezeLastLayerEpochs = 2,
            Head = TinyDino.Options.Head with { BatchNorm = optimizer == OptimizerKind.Lars },
        };
        var training = TinyDino.Training with { Optimizer = optimizer, AccumulationSteps = 2 };

        using var straight = New();
        straight.TrainTo(Steps);
        var expected = straight.Snapshot();

        // Inside epochs and at their ends, with the last layer frozen and free.
        int[] saves = [1, 4, 6, 8];
        foreach (int stop in saves)
        {
            using var first = New();
            first.TrainTo(stop);
            first.Save(path);
            using var second = New(seed: 99);
            second.TrainTo(2); // what it held before must not shine through
            second.Load(path);
            Assert.Equal(stop, second.Trainer.StepsDone);
            TinyDino.AssertSame(first.Snapshot(), second.Snapshot(), $"loaded at step {stop}");
            second.TrainTo(Steps);
            TinyDino.AssertSame(expected, second.Snapshot(), $"resumed at step {stop}");
        }

        TinyDino New(long seed = 1) => new(options, training, StepsPerEpoch, dropPath: 0.3, seed: seed);
    }

    [Fact]
    public void Stochastic_depth_draws_by_seed_and_step()
    {
        using var scope = NewDisposeScope();
        using TinyDino plain = new(dropPath: 0);
        using TinyDino dropped = new(dropPath: 0.5);
        using TinyDino same = new(dropPath: 0.5);
        using TinyDino otherSeed = new(training: TinyDino.Training with { Seed = 8 }, dropPath: 0.5);
        double[] losses = [.. new[] { plain, dropped, same, otherSeed }.Select(run => run.Step().Loss)];
        Assert.Equal(losses[1], losses[2]);
        Assert.Equal(3, losses.Distinct().Count());
    }

    [Fact]
    public void A_checkpoint_that_does_not_fit_is_refused_in_one_line_that_says_why()
    {
        using TestFolder folder = new();
        string path = Path.Combine(folder.Path, "state.pth");
        using (TinyDino saved = new())
        {
            saved.TrainTo(5);
            saved.Save(path);
        }

        using TinyDino otherHead = new(TinyDino.Options with { Head = TinyDino.Options.Head with { OutputDim = 25 } });
        AssertRefused(otherHead, "should be [25, ");
        using TinyDino otherLayers = new(TinyDino.Options with { Head = TinyDino.Options.Head with { Layers = 2 } });
        AssertRefused(otherLayers, "left over");
        using TinyDino frozenMagnitude = new(TinyDino.Options with { Head = TinyDino.Options.Head with { FreezeMagnitude = true } });
        AssertRefused(frozenMagnitude, "groups of");
        using TinyDino otherOptimizer = new(training: TinyDino.Training with { Optimizer = OptimizerKind.Sgd });
        AssertRefused(otherOptimizer, "momentum_buffer");
        using TinyDino otherImages = new(stepsPerEpoch: 3);
        AssertRefused(otherImages, "its epochs have 4 steps and this training's 3");
        using TinyDino shorter = new(training: TinyDino.Training with { Epochs = 1 });
        AssertRefused(shorter, "after step 5");

        void AssertRefused(TinyDino run, string because)
        {
            var error = Assert.Throws<DinoSharp.Checkpoints.CheckpointException>(() => run.Load(path));
            Assert.Contains(because, error.Message, StringComparison.Ordinal);
            Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }
    }
}
