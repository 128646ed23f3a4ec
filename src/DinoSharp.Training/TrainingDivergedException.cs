using System.Globalization;

namespace DinoSharp.Training;

/// <summary>The loss is no longer a finite number; the parameters still are those of the last good step.</summary>
public sealed class TrainingDivergedException(long step, double loss, double learningRate) : Exception(
    string.Create(
        CultureInfo.InvariantCulture,
        $"the loss became {loss} at step {step} (learning rate {learningRate:G3}): lower --lr, clip harder with --clip-grad, or warm up longer"))
{
    /// <summary>The step that failed.</summary>
    public long Step { get; } = step;
}
