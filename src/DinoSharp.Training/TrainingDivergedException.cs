using System.Globalization;

namespace DinoSharp.Training;

/// <summary>
/// The loss or a gradient is no longer a finite number. The parameters, the optimizer and the method's state are those of the last good
/// step; only running statistics of batch norm have seen the batch that failed.
/// </summary>
public sealed class TrainingDivergedException(long step, double loss, double gradientNorm, double learningRate) : Exception(
    string.Create(
        CultureInfo.InvariantCulture,
        $"the {(double.IsFinite(loss) ? "gradient" : "loss")} became {(double.IsFinite(loss) ? gradientNorm : loss)} at step {step} " +
        $"(learning rate {learningRate:G3}): lower --lr, clip harder with --clip-grad, or warm up longer"))
{
    /// <summary>The step that failed.</summary>
    public long Step { get; } = step;
}
