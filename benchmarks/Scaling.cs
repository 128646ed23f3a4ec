using System.Diagnostics;
using System.Globalization;
using DinoSharp.Distributed;
using DinoSharp.Models;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Benchmarks;

/// <summary>
/// Optimizer steps that two processes take together with a thread each, in turns with the same steps by one process with two threads, and with
/// what the cost model of docs/scaling.md says of them. Each of the two processes runs it.
/// </summary>
/// <param name="group">the two</param>
internal sealed class Scaling(ProcessGroup group)
{
    private const int RateNumbers = 4 << 20; // 16 MiB
    private const int RateRounds = 3;

    /// <param name="word">in the name of the step that is taken</param>
    /// <param name="batchSize">images of a step</param>
    /// <param name="rounds">of which medians are told</param>
    public void Run(string word, int batchSize, int rounds)
    {
        var step = TrainingStep.All.Single(step => step.Name.StartsWith(word, StringComparison.Ordinal)) with { BatchSize = batchSize };
        using var scope = NewDisposeScope();
        manual_seed(0);
        var plan = new TrainingPlan(100, 100);
        int share = batchSize / group.Size;
        var options = new TrainingOptions { BatchSize = batchSize };
        using var alone = step.CreateMethod(plan, CPU);
        using var together = step.CreateMethod(plan, CPU, new BatchShare(group, share));
        using Trainer aloneTrainer = new(alone, options, plan), trainer = new(together, options, plan, group);
        TrainingBatch whole = new(step.Crops(batchSize, CPU), []), own = new(step.Crops(share, CPU), []);
        var (rate, processorPerByte) = Exchange();

        List<Milestone> milestones = [];
        var results = Measure.Rounds(
            rounds,
            () => InStep(() => OneWithAllThreads(() => aloneTrainer.Step(whole))),
            () => InStep(() => milestones = Milestones(() => aloneTrainer.Step(own))),
            () => Together(early: false).Seconds,
            () => Together(early: true).Seconds);
        double[] seconds = [.. results.Select(Measure.Median)];
        var (late, early) = (Together(early: false), Together(early: true));
        double predictedLate = seconds[1] + late.Bytes / rate;
        double predictedEarly = PredictEarly(milestones, seconds[1] + early.Bytes * processorPerByte, late.Bytes, rate);
        if (!group.IsFirst)
        {
            return;
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"""

            {step.Name[..step.Name.IndexOf(',')]}, batch {batchSize}: {late.Bytes / 1e6:F1} MB to each process a step; a sum moves {rate / 1e6:F1} MB/s and takes {processorPerByte * 1e9:F2} s of processor a GB
            | | s | im/s | predicted, s | error | waits | efficiency |
            |---|---|---|---|---|---|---|
            | one process, {group.Size} threads | {seconds[0]:F3} | {batchSize / seconds[0]:F2} | | | | |
            | {group.Size} processes that exchange nothing | {seconds[1]:F3} | {batchSize / seconds[1]:F2} | | | | {seconds[0] / seconds[1]:F2} |
            | {group.Size} processes, gradients after the backward pass | {Row(seconds[2], predictedLate, late.Waits)}
            | {group.Size} processes, gradients during the backward pass | {Row(seconds[3], predictedEarly, early.Waits)}
            early/late, round by round: {string.Join(" ", results[3].Zip(results[2], (e, l) => (e / l).ToString("F2", CultureInfo.InvariantCulture)))}
            gradients complete, s before the step's end: {string.Join(", ", milestones.Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.BeforeEnd:F2} ({m.Bytes / 1e6:F0} MB)")))}
            """));

        string Row(double measured, double predicted, double waits) => string.Create(
            CultureInfo.InvariantCulture,
            $"{measured:F3} | {batchSize / measured:F2} | {predicted:F3} | {(predicted / measured - 1) * 100:+0;-0;0} % | {waits * 100:F0} % | {seconds[0] / measured:F2} |");

        (double Seconds, double Bytes, double Waits) Together(bool early)
        {
            trainer.SendsEarly = early;
            var before = group.Cost;
            double seconds = InStep(() => trainer.Step(own));
            var after = group.Cost;
            return (seconds, after.Bytes - before.Bytes, (after.Waited - before.Waited).TotalSeconds / seconds);
        }
    }

    /// <summary>When a module's gradients were complete, and how many.</summary>
    private sealed record Milestone(double BeforeEnd, double Bytes);

    /// <summary>
    /// Gradients queue for the link as they become complete; what no milestone tells of follows when the backward pass is over, which is taken for
    /// the last milestone's time. The step ends when all are there and its own computing is done, which shares its processor with the exchange.
    /// </summary>
    private static double PredictEarly(List<Milestone> milestones, double computing, double bytes, double rate)
    {
        double free = 0, sent = 0;
        foreach (var milestone in milestones)
        {
            free = Math.Max(free, computing - milestone.BeforeEnd) + milestone.Bytes / rate;
            sent += milestone.Bytes;
        }

        double backwardEnds = computing - milestones[^1].BeforeEnd;
        double all = Math.Max(free, backwardEnds) + (bytes - sent) / rate;
        return all + milestones[^1].BeforeEnd; // clipping, optimizer, teacher
    }

    private static List<Milestone> Milestones(Action step)
    {
        List<(long Time, double Bytes)> passed = [];
        using (GradientMilestones.Tell(module =>
            passed.Add((Stopwatch.GetTimestamp(), module.parameters().Where(p => p.requires_grad).Sum(p => p.numel() * sizeof(float))))))
        {
            step();
        }

        long end = Stopwatch.GetTimestamp();
        return [.. passed.Select(p => new Milestone(Stopwatch.GetElapsedTime(p.Time, end).TotalSeconds, p.Bytes))];
    }

    /// <summary>Seconds until all processes have done it.</summary>
    private double InStep(Action action)
    {
        group.Barrier();
        return Measure.Seconds(() =>
        {
            action();
            group.Barrier();
        });
    }

    private void OneWithAllThreads(Action action)
    {
        if (group.IsFirst)
        {
            set_num_threads(group.Size);
            action();
            set_num_threads(1);
        }
    }

    /// <summary>Bytes a second that a sum brings to a process that does nothing else, and what of its processor each takes.</summary>
    private (double Rate, double ProcessorPerByte) Exchange()
    {
        using var values = ones(RateNumbers);
        group.Sum(values);
        long before = group.Cost.Bytes;
        var processor = Environment.CpuUsage.TotalTime;
        double seconds = InStep(() => Array.ForEach(new int[RateRounds], _ => group.Sum(values)));
        double bytes = group.Cost.Bytes - before;
        return (bytes / seconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds / bytes);
    }
}
