using DinoSharp.Tests;
using DinoSharp.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Training.Tests;

/// <summary>The loop: who is called when, and what stops it.</summary>
public sealed class TrainerTests
{
    private static readonly TrainingOptions Options = new() { Epochs = 2, BatchSize = 4, WarmupEpochs = 0, LearningRate = 0.1 };
    private static readonly TrainingPlan Plan = new(Epochs: 2, StepsPerEpoch: 2);

    [Fact]
    public void Method_and_observer_are_called_in_order_and_surplus_batches_are_left()
    {
        using TinyMethod method = new();
        using Trainer trainer = new(method, Options, Plan);
        trainer.Run((epoch, first) => Batches(epoch, first, 5), new Observer(method));
        Assert.Equal(
            [
                "epoch 0", "loss 0", "before 0", "after 0", "step 1 done", "loss 1", "before 1", "after 1", "step 2 done", "epoch 0 done",
                "epoch 1", "loss 2", "before 2", "after 2", "step 3 done", "loss 3", "before 3", "after 3", "step 4 done", "epoch 1 done",
            ],
            method.Calls);
        Assert.True(trainer.Finished);
    }

    [Fact]
    public void A_stop_ends_the_run_after_the_step_and_the_next_run_goes_on_inside_the_epoch()
    {
        using TinyMethod method = new();
        using Trainer trainer = new(method, Options, Plan);
        using CancellationTokenSource stop = new();
        trainer.Run((epoch, first) => Batches(epoch, first, 2), new Observer(method) { Step = t => Cancel(t, 3) }, stop.Token);
        Assert.Equal(["after 2", "step 3 done", "stopped"], method.Calls.TakeLast(3));
        method.Calls.Clear();
        trainer.Run((epoch, first) => Batches(epoch, first, 2), new Observer(method));
        Assert.Equal(["loss 3", "before 3", "after 3", "step 4 done", "epoch 1 done"], method.Calls);

        void Cancel(Trainer running, long step)
        {
            if (running.StepsDone == step)
            {
                stop.Cancel();
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void An_epoch_of_too_few_batches_is_an_error_not_an_endless_loop(int count)
    {
        using TinyMethod method = new();
        using Trainer trainer = new(method, Options, Plan);
        var error = Assert.Throws<InvalidOperationException>(
            () => trainer.Run((epoch, first) => Batches(epoch, first, count), new Observer(method)));
        Assert.Contains($"epoch 0 gave {count} of 2 batches", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, OptimizerKind.AdamW, 3.0)]
    [InlineData(true, OptimizerKind.Sgd, 0)]
    [InlineData(false, OptimizerKind.AdamW, 3.0)]
    [InlineData(false, OptimizerKind.Lars, 0)]
    public void What_is_not_finite_stops_the_training_before_anything_moves(bool loss, OptimizerKind optimizer, double clip)
    {
        using var scope = NewDisposeScope();
        using TinyMethod method = new() { BadLoss = loss ? 2 : null, BadGradient = loss ? null : 2 };
        using Trainer trainer = new(method, Options with { Optimizer = optimizer, ClipGradient = clip }, Plan);
        Tensor[] good = [];
        var error = Assert.Throws<TrainingDivergedException>(() => trainer.Run(
            (epoch, first) => Batches(epoch, first, 2),
            new Observer(method) { Step = _ => good = [.. Everything(method, trainer)] }));

        Assert.Equal(2, error.Step);
        Assert.StartsWith($"the {(loss ? "loss" : "gradient")} became NaN at step 2", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(["loss 2", "abandon", "diverged"], method.Calls.TakeLast(3));
        Assert.Equal(2, trainer.StepsDone);
        Assert.NotEmpty(good);
        Assert.True(good.Zip(Everything(method, trainer)).All(pair => pair.First.Equals(pair.Second)));
        Assert.All(method.Parameters, parameter => Assert.Null(parameter.grad));
    }

    /// <summary>Of three steps the last one is looked at, and an epoch's last; what was not finite before it is found then.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Steps_that_are_looked_at_together_learn_the_same_and_none_that_is_not_finite_is_missed(bool loss)
    {
        using var scope = NewDisposeScope();
        TrainingPlan plan = new(Epochs: 2, StepsPerEpoch: 5);
        using TinyMethod method = new(), each = new();
        using Trainer trainer = new(method, Options, plan) { ReadEverySteps = 3 }, judging = new(each, Options, plan);
        var (late, usual) = (Results(trainer, 10), Results(judging, 10));
        Assert.Equal([3, 5, 6, 9, 10], late.Index().Where(r => !double.IsNaN(r.Item.Loss)).Select(r => r.Index + 1));
        Assert.All(late.Zip(usual).Where(r => !double.IsNaN(r.First.Loss)), r => Assert.Equal(r.Second, r.First));
        Assert.True(Everything(each, judging).Zip(Everything(method, trainer)).All(pair => pair.First.Equals(pair.Second)));
        Assert.Null(trainer.Confirm());

        using TinyMethod bad = new() { BadLoss = loss ? 6 : null, BadGradient = loss ? null : 6 };
        using Trainer found = new(bad, Options, plan) { ReadEverySteps = 3 };
        var error = Assert.Throws<TrainingDivergedException>(() => found.Run((epoch, first) => Batches(epoch, first, 5), new Observer(bad)));
        Assert.Contains("became NaN within 3 steps before step 9 ", error.Message, StringComparison.Ordinal);
        Assert.Equal("after 8", bad.Calls[^1]); // no state is said to be that of the step before

        static List<StepResult> Results(Trainer of, int steps) =>
            [.. Enumerable.Range(0, steps).Select(step => of.Step(new TrainingBatch(TinyMethod.Crops(step / 5, step % 5), [])))];
    }

    /// <summary>One process looks at every step, as the one that saves may; it must not stop before the others know.</summary>
    [Fact]
    public void Processes_that_look_at_steps_together_stop_together()
    {
        TrainingPlan plan = new(Epochs: 1, StepsPerEpoch: 10);
        long[] steps = ThreadRanks.Run(2, group =>
        {
            using var scope = NewDisposeScope();
            using TinyMethod method = new();
            using Trainer trainer = new(method, Options with { Epochs = 1, BatchSize = 8 }, plan, group) { ReadEverySteps = 4 };
            using CancellationTokenSource stop = new();
            stop.Cancel();
            trainer.Run((epoch, first) => Batches(epoch, first, 10), new Observer(method) { Step = Look }, group.Rank == 1 ? stop.Token : default);
            return trainer.StepsDone;

            void Look(Trainer running)
            {
                if (group.IsFirst)
                {
                    running.Confirm();
                }
            }
        });
        Assert.Equal([4, 4], steps);
    }

    private static IEnumerable<Tensor> Everything(TinyMethod method, Trainer trainer) =>
        method.Parameters.Select(p => p.detach().clone())
            .Concat(trainer.Optimizer.States.SelectMany(s => s.Tensors.Select(t => t.Tensor.clone()).Append(tensor(s.StepCount ?? 0))));

    private static IEnumerable<TrainingBatch> Batches(int epoch, int first, int count)
    {
        for (int batch = first; batch < count; batch++)
        {
            var crops = TinyMethod.Crops(epoch, batch);
            yield return new TrainingBatch(crops, []);
            crops[0].Dispose();
        }
    }

    private sealed class Observer(TinyMethod method) : ITrainingObserver
    {
        public Action<Trainer>? Step { get; init; }

        public void AfterStep(StepResult result, Trainer trainer)
        {
            method.Calls.Add($"step {trainer.StepsDone} done");
            Step?.Invoke(trainer);
        }

        public void AfterEpoch(int epoch, Trainer trainer) => method.Calls.Add($"epoch {epoch} done");

        public void Stopped(Trainer trainer) => method.Calls.Add("stopped");

        public void Diverged(Trainer trainer) => method.Calls.Add("diverged");
    }
}
