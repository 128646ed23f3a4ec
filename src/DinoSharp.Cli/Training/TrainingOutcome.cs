using DinoSharp.Training.Runs;

namespace DinoSharp.Cli.Training;

/// <summary>How a start of a training ended.</summary>
/// <param name="Folder">where everything is</param>
/// <param name="StepsDone">optimizer steps, from the run's very beginning</param>
/// <param name="Steps">optimizer steps of the whole training</param>
/// <param name="UnusableImages">images that this start met and could not use</param>
internal sealed record TrainingOutcome(RunFolder Folder, long StepsDone, long Steps, int UnusableImages)
{
    /// <summary>Whether the training is at its end.</summary>
    public bool Finished => StepsDone == Steps;
}
