namespace DinoSharp.Training.Runs;

/// <summary>How often a run writes down what it does.</summary>
public sealed record RecordingOptions
{
    /// <summary>Steps between two lines of metrics.</summary>
    public int LogEverySteps { get; init; } = 10;

    /// <summary>Time between two saves of the newest state; 0 saves after each step.</summary>
    public TimeSpan SaveEvery { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Epochs between two checkpoints that are kept; 0 keeps none but the latest and the best.</summary>
    public int KeepEveryEpochs { get; init; } = 20;

    /// <summary>Epochs between two evaluations; the last epoch is evaluated in any case. 0 evaluates never.</summary>
    public int EvaluateEveryEpochs { get; init; }

    /// <summary>Whether a line of metrics is due: every so many steps, and at an epoch's end.</summary>
    internal bool Logs(Trainer trainer) =>
        trainer.StepsDone % LogEverySteps == 0 || trainer.StepsDone % trainer.Plan.StepsPerEpoch == 0;

    /// <summary>Whether an evaluation is due after an epoch.</summary>
    internal bool Evaluates(int epoch, Trainer trainer) =>
        EvaluateEveryEpochs > 0 && (trainer.Finished || (epoch + 1) % EvaluateEveryEpochs == 0);

    /// <summary>Returns itself if the values make sense.</summary>
    /// <exception cref="ArgumentException">Says in one line which value does not.</exception>
    public RecordingOptions Validated() =>
        LogEverySteps < 1 ? throw new ArgumentException($"steps between two log lines must be at least 1, not {LogEverySteps}") :
        SaveEvery < TimeSpan.Zero || KeepEveryEpochs < 0 || EvaluateEveryEpochs < 0
            ? throw new ArgumentException("intervals of saving, keeping and evaluating cannot be negative") : this;
}
