using System.Diagnostics;
using DinoSharp.Cli.Training;
using DinoSharp.Training;

namespace DinoSharp.Cli.Compare;

/// <summary>How many epochs a budget is.</summary>
internal static class TrainingBudget
{
    /// <summary>Steps before the measured ones: memory is taken, kernels are chosen.</summary>
    private const int WarmupSteps = 3;

    private const int MostSteps = 25;
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(20);

    /// <summary>The epochs that come nearest to a number of steps; at least one.</summary>
    public static int EpochsOf(int steps, int stepsPerEpoch) => Math.Max((int)Math.Round((double)steps / stepsPerEpoch), 1);

    /// <summary>The epochs that come nearest to a time, by the median of some steps; at least one.</summary>
    /// <param name="job">its method has moved afterwards</param>
    /// <param name="minutes">for the training, without evaluations</param>
    public static int EpochsOf(TrainingJob job, double minutes)
    {
        using Trainer trainer = new(job.Method, job.Options, job.Plan);
        var seconds = new List<double>();
        job.Method.BeginEpoch(0, []);
        long start = Stopwatch.GetTimestamp(), last = start;
        foreach (var batch in job.Batches(0, 0).Take(Math.Min(MostSteps, job.Plan.StepsPerEpoch)))
        {
            trainer.Step(batch);
            seconds.Add(Stopwatch.GetElapsedTime(last).TotalSeconds);
            last = Stopwatch.GetTimestamp();
            if (seconds.Count > WarmupSteps && Stopwatch.GetElapsedTime(start) > LongEnough)
            {
                break;
            }
        }

        double[] measured = [.. seconds.Skip(seconds.Count > WarmupSteps ? WarmupSteps : 0).Order()];
        return EpochsOf((int)Math.Min(minutes * 60 / measured[measured.Length / 2], int.MaxValue), job.Plan.StepsPerEpoch);
    }
}
