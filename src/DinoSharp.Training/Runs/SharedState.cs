using DinoSharp.Distributed;
using static TorchSharp.torch;

namespace DinoSharp.Training.Runs;

/// <summary>The state of a training on all processes that share it. It belongs to none of them: each has all of it.</summary>
public static class SharedState
{
    /// <summary>Gives the first process's state to all, which need not see its files.</summary>
    /// <param name="group">processes that train together</param>
    /// <param name="method">overwritten on all but the first</param>
    /// <param name="trainer">its optimizer and step, likewise</param>
    public static void Spread(ProcessGroup group, TrainingMethod method, Trainer trainer)
    {
        if (group.Size == 1)
        {
            return;
        }

        using var noGradients = no_grad();
        trainer.StepsDone = group.FirstSays(trainer.StepsDone);
        foreach (var (_, values) in method.State.SelectMany(section => section.Tensors))
        {
            Spread(group, values);
        }

        if (trainer.LossScale is { } scale)
        {
            scale.Restore(Math.ScaleB(1, (int)group.FirstSays((long)Math.Log2(scale.Factor))), group.FirstSays(scale.GoodSteps)); // a power of two
        }

        foreach (var state in trainer.Optimizer.States)
        {
            state.StepCount = state.StepCount is { } count ? group.FirstSays(count) : null;
            foreach (var (_, values) in state.Tensors)
            {
                Spread(group, values);
            }
        }
    }

    private static void Spread(ProcessGroup group, Tensor values)
    {
        using var flat = values.detach().contiguous();
        group.Broadcast(flat);
        if (!values.is_contiguous())
        {
            values.copy_(flat);
        }
    }
}
