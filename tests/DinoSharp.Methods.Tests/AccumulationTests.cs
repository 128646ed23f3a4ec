using DinoSharp.Methods.Dino;
using DinoSharp.Training.Optimizers;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>A batch in parts is what the whole batch is: in everything that is saved, and in the metrics.</summary>
public sealed class AccumulationTests
{
    [Theory]
    [InlineData(2, OptimizerKind.Sgd, TeacherKind.Momentum, StudentCrops.All, false)]
    [InlineData(4, OptimizerKind.Sgd, TeacherKind.PreviousStep, StudentCrops.Local, true)]
    [InlineData(4, OptimizerKind.Lars, TeacherKind.Student, StudentCrops.All, true)]
    [InlineData(2, OptimizerKind.Lars, TeacherKind.PreviousEpoch, StudentCrops.Local, false)]
    public void Parts_of_a_batch_make_the_same_steps_as_the_whole(
        int parts, OptimizerKind optimizer, TeacherKind teacher, StudentCrops student, bool sameSize)
    {
        using var scope = NewDisposeScope();
        var options = TinyDino.Options with { Teacher = teacher, StudentSees = student };
        var training = TinyDino.Training with { Optimizer = optimizer };
        using TinyDino whole = new(options, training, sameSize: sameSize);
        using TinyDino accumulated = new(options, training with { AccumulationSteps = parts }, sameSize: sameSize);
        var start = whole.Snapshot();
        TinyDino.AssertSame(start, accumulated.Snapshot(), "start");

        whole.TrainTo(10);
        accumulated.TrainTo(10);

        var end = whole.Snapshot();
        Assert.NotEqual(0, (end["student.head.mlp.0.weight"] - start["student.head.mlp.0.weight"]).abs().max().item<float>());
        Assert.NotEqual(0, end["dino_loss.center"].abs().max().item<float>());
        TinyDino.AssertSame(end, accumulated.Snapshot(), $"in {parts} parts", 2e-5);
        Assert.All(whole.Method.TakeMetrics().Zip(accumulated.Method.TakeMetrics()), pair =>
        {
            Assert.Equal(pair.First.Name, pair.Second.Name);
            Assert.Equal(pair.First.Value, pair.Second.Value, 1e-4);
        });
    }

    /// <summary>Adam turns rounding into full steps where a gradient is 0; the first step has rate 0 and shows its moments.</summary>
    [Fact]
    public void Parts_of_a_batch_give_AdamW_the_same_first_step()
    {
        using var scope = NewDisposeScope();
        using TinyDino whole = new();
        using TinyDino accumulated = new(training: TinyDino.Training with { AccumulationSteps = 4 });
        Assert.Equal(whole.Step().Loss, accumulated.Step().Loss, 1e-5);
        TinyDino.AssertSame(whole.Snapshot(), accumulated.Snapshot(), "first step", 1e-6);
    }
}
