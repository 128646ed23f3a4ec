namespace DinoSharp.Training;

/// <summary>Where a training stands: which optimizer step of which epoch.</summary>
/// <param name="Index">optimizer steps done before this one, over all epochs</param>
/// <param name="Epoch">from 0</param>
/// <param name="Plan">the whole</param>
public readonly record struct TrainingStep(long Index, int Epoch, TrainingPlan Plan);
