using DinoSharp.Methods.Dino;
using DinoSharp.Models.Backbones;
using DinoSharp.Tests;
using DinoSharp.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.Tests;

/// <summary>Thousands of steps take no more memory than a few: no tensor outlives its step.</summary>
public sealed class MemoryTests
{
    private const int WarmupSteps = 150;
    private const int Stretches = 4;
    private const int StretchSteps = 500;
    private const long MaxGrowth = 1 << 20;

    [Fact]
    public void Memory_is_flat_over_two_thousand_steps()
    {
        using TinyDino run = new(stepsPerEpoch: 1000, dropPath: 0.2);
        Train(WarmupSteps);
        var statistics = DisposeScopeManager.Statistics.TensorStatistics;
        var (tensors, inScopes) = (TensorCount.Settled(), statistics.ThreadTotalLiveCount);
        long[] resident = new long[Stretches + 1];
        resident[0] = Resident();
        for (int i = 1; i <= Stretches; i++)
        {
            Train(StretchSteps);
            resident[i] = Resident();
        }

        Assert.Equal(tensors, Tensor.TotalCount);
        Assert.Equal(inScopes, statistics.ThreadTotalLiveCount);
        // A leak grows in every stretch; pages of libraries that the system drops and reads again come once.
        long growth = resident.Zip(resident.Skip(1), (before, after) => after - before).Min();
        Assert.True(growth < MaxGrowth, $"resident set grew by {growth / 1024} KB or more in each {StretchSteps} steps");

        void Train(int steps)
        {
            for (int i = 0; i < steps; i++)
            {
                run.Step();
                if (i % 10 == 0)
                {
                    run.Method.TakeMetrics();
                }
            }
        }
    }

    [Theory]
    [InlineData(OptimizerKind.AdamW, TeacherKind.PreviousEpoch)]
    [InlineData(OptimizerKind.Sgd, TeacherKind.PreviousStep)]
    [InlineData(OptimizerKind.Lars, TeacherKind.Student)]
    public void Whole_epochs_leave_no_tensor_and_the_end_frees_what_trained(OptimizerKind optimizer, TeacherKind teacher)
    {
        TinyDino run = new(
            TinyDino.Options with { Teacher = teacher },
            TinyDino.Training with { Optimizer = optimizer, ClipGradient = 0, AccumulationSteps = 2 });
        Tensor[] lasting =
        [
            .. run.Method.State.SelectMany(s => s.Tensors).Select(t => t.Tensor),
            .. run.Trainer.Optimizer.States.SelectMany(s => s.Tensors).Select(t => t.Tensor),
        ];
        run.TrainTo(1);
        long before = TensorCount.Settled();
        run.TrainTo(12);
        Assert.Equal(before, Tensor.TotalCount);
        Assert.All(lasting, tensor => Assert.False(tensor.IsInvalid));
        run.Dispose();
        Assert.All(lasting, tensor => Assert.True(tensor.IsInvalid));
    }

    /// <summary>Also where the graph is dropped without a backward pass, as where a loss is not finite.</summary>
    [Fact]
    public void Activations_that_are_computed_again_leave_no_tensor()
    {
        using ResNet residual = new(new() { Blocks = [1, 1, 1, 1], Width = 4 });
        using Xcit xcit = new(new() { EmbedDim = 16, Depth = 2, Heads = 2, PatchSize = 8, DropPathRate = 0.3 });
        using VisionTransformer transformer = new(new() { EmbedDim = 16, Depth = 2, Heads = 2, PatchSize = 8, ImageSize = 32, DropPathRate = 0.3 });
        Assert.All((Backbone[])[residual, xcit, transformer], network =>
        {
            network.CheckpointsActivations = true;
            Pass(network, backward: true);
            long before = TensorCount.Settled();
            Pass(network, backward: true);
            Pass(network, backward: false);
            Assert.Equal(before, TensorCount.Settled());
        });

        static void Pass(Backbone network, bool backward)
        {
            using var scope = NewDisposeScope();
            var sum = network.ForwardCrops([rand(4, 3, 32, 32), rand(4, 3, 16, 16)]).sum();
            if (backward)
            {
                sum.backward();
            }
        }
    }

    private static long Resident()
    {
        // Aggressive: gives the managed heap's free pages back, which would else hide or feign growth.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return Environment.WorkingSet;
    }
}
