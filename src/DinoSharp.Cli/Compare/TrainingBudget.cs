using System.Diagnostics;
using DinoSharp.Cli.Training;
using DinoSharp.Training;

namespace DinoSharp.Cli.Compare;

/// <summary>How long a training of a comparison is, and how fast it was when that was measured.</summary>
/// <param name="Epochs">at least one</param>
/// <param name="ImagesPerSecond">median of some steps, loading included</param>
internal sealed record TrainingLength(int Epochs, double ImagesPerSecond);

/// <summary>How many epochs a budget is.</summary>
internal static class TrainingBudget
{
    /// <summary>Steps before the measured ones: memory is taken, kernels are chosen.</summary>
    private const int WarmupSteps = 3;

    private const int MostSteps = 25;
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(12);

    /// <summary>The epochs that come nearest to a plan's time, by the median of some steps, or to its number of steps.</summary>
    /// <param name="job">its method has moved afterwards</param>
    /// <param name="plan">the budget: minutes for the training, without evaluations, or steps</param>
    public static TrainingLength Measure(TrainingJob job, ComparisonPlan plan)
    {
        double seconds = SecondsAStep(job);
        double steps = plan.Steps ?? plan.Minutes!.Value * 60 / seconds;
        double epochs = Math.Clamp(Math.Round(steps / job.Plan.StepsPerEpoch), 1, int.MaxValue / job.Plan.StepsPerEpoch);
        return new TrainingLength((int)epochs, job.Options.BatchSize / seconds);
    }

    private static double SecondsAStep(TrainingJob job)
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
        return measured[measured.Length / 2];
    }
}
