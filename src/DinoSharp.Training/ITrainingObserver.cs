namespace DinoSharp.Training;

/// <summary>Told by the <see cref="Trainer"/> what happens; logging, saving and evaluation hang on it.</summary>
public interface ITrainingObserver
{
    /// <summary>After each optimizer step.</summary>
    void AfterStep(StepResult result, Trainer trainer);

    /// <summary>After the last step of an epoch.</summary>
    void AfterEpoch(int epoch, Trainer trainer);

    /// <summary>Instead of the next step, where a stop was asked for.</summary>
    void Stopped(Trainer trainer);

    /// <summary>
    /// Before the training fails for a loss or gradient that is not finite; the parameters are of the step before. Not called where that was found
    /// some steps late (<see cref="Trainer.ReadEverySteps"/>) and they are spoilt.
    /// </summary>
    void Diverged(Trainer trainer);
}
