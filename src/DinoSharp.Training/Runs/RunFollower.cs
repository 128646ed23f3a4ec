using DinoSharp.Distributed;

namespace DinoSharp.Training.Runs;

/// <summary>
/// The part of processes beside the first one in a run's record: they write nothing, and join in where the first needs all of them, for
/// metrics and evaluations.
/// </summary>
/// <param name="method">what learns</param>
/// <param name="options">as the first process has them</param>
/// <param name="score">as the first process has it</param>
/// <param name="group">processes that train together</param>
/// <param name="stepsDone">where this start of the run begins</param>
public sealed class RunFollower(TrainingMethod method, RecordingOptions options, RunScore? score, ProcessGroup group, long stepsDone)
    : ITrainingObserver
{
    private readonly ExchangeMeter _exchange = new(group, stepsDone);

    /// <summary>As <see cref="RunRecorder.BeforeFirstStep"/>.</summary>
    public void BeforeFirstStep(Trainer trainer)
    {
        if (options.EvaluateEveryEpochs > 0 && score is not null && trainer.StepsDone == 0 && group.FirstSays(false))
        {
            score.Evaluate();
        }
    }

    public void AfterStep(StepResult result, Trainer trainer)
    {
        if (!options.Logs(trainer))
        {
            return;
        }

        _exchange.Take(trainer.StepsDone);
        if (!result.Skipped)
        {
            group.Mean(method.TakeMetrics());
        }
    }

    public void AfterEpoch(int epoch, Trainer trainer)
    {
        if (options.Evaluates(epoch, trainer))
        {
            score?.Evaluate();
        }
    }

    public void Stopped(Trainer trainer)
    {
    }

    public void Diverged(Trainer trainer)
    {
    }
}
