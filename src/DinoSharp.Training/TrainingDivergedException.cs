using System.Globalization;

namespace DinoSharp.Training;

/// <summary>
/// The loss or a gradient is no longer a finite number. The parameters, the optimizer and the method's state are those of the last good
/// step; only running statistics of batch norm have seen the batch that failed. Where the numbers of several steps are judged at once
/// (<see cref="Trainer.ReadEverySteps"/>), all of it may be spoilt, and the last good state is the one last saved.
/// </summary>
public sealed class TrainingDivergedException(long step, double loss, double gradientNorm, double learningRate, long judged = 1) : Exception(
    string.Create(
        CultureInfo.InvariantCulture,
        $"the {(double.IsFinite(loss) ? "gradient" : "loss")} became {(double.IsFinite(loss) ? gradientNorm : loss)} {(judged == 1 ? $"at step {step}" : $"within {judged} steps before step {step + 1}")} " +
        $"(learning rate {learningRate:G3}): lower --lr, clip harder with --clip-grad, or warm up longer"))
{
    /// <summary>The step that failed.</summary>
    public long Step { get; } = step;
}
