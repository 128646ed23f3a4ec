namespace DinoSharp.Training;

/// <summary>What one optimizer step did.</summary>
/// <param name="Step">which one</param>
/// <param name="Loss">mean over the batch, before the parameters moved; NaN for a step whose numbers were not waited for (<see cref="Trainer.ReadEverySteps"/>)</param>
/// <param name="LearningRate">of this step</param>
/// <param name="WeightDecay">of this step, for the decayed group</param>
/// <param name="LargestGradientNorm">L2 norm of the parameter whose gradient was the largest, before clipping; NaN likewise</param>
/// <param name="Skipped">whether nothing moved, as loss or gradients overflowed half precision</param>
public sealed record StepResult(
    TrainingStep Step, double Loss, double LearningRate, double WeightDecay, double LargestGradientNorm, bool Skipped = false);
