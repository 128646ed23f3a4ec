namespace DinoSharp.Training;

/// <summary>How long a training is.</summary>
/// <param name="Epochs">passes over the data</param>
/// <param name="StepsPerEpoch">optimizer steps a pass</param>
public sealed record TrainingPlan(int Epochs, int StepsPerEpoch)
{
    public long TotalSteps => (long)Epochs * StepsPerEpoch;

    /// <summary>The step after <paramref name="stepsDone"/> others.</summary>
    public TrainingStep StepAfter(long stepsDone) => new(stepsDone, (int)(stepsDone / StepsPerEpoch), this);
}
