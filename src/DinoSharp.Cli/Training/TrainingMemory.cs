using System.Globalization;
using DinoSharp.Distributed;
using DinoSharp.Training;
using DinoSharp.Training.Memory;
using DinoSharp.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Training;

/// <summary>Whether a training fits into this machine's memory, found out before its first step; and if it does not, what would.</summary>
internal sealed record TrainingMemory
{
    /// <summary>Of the memory there is, what is offered by itself takes at most this part: other programs move, too.</summary>
    private const double Margin = 0.9;

    /// <summary>Makes the method; with activation checkpointing (true) or without.</summary>
    public required Func<bool, TrainingMethod> Create { get; init; }

    /// <summary>Of this process: its batch is its part of the whole.</summary>
    public required TrainingOptions Training { get; init; }

    public required TrainingPlan Plan { get; init; }

    /// <summary>What an image is to the method.</summary>
    public required MemoryProbe Probe { get; init; }

    /// <summary>Whether a batch may pass in parts.</summary>
    public required bool Accumulates { get; init; }

    /// <summary>Whether activations are computed again.</summary>
    public required bool Checkpointed { get; init; }

    /// <summary>The processes that train, each of which asks.</summary>
    public required ProcessGroup Group { get; init; }

    /// <summary>Whether memory can be measured: on the CPU of a Linux system.</summary>
    public static bool IsKnown(Device device) => device.type == DeviceType.CPU && ProcessMemory.CanMeasure;

    /// <summary>What a run takes, as lines for people: none where it is finished, or where memory cannot be measured on all processes.</summary>
    /// <param name="request">of the run</param>
    /// <param name="plan">of its training</param>
    /// <param name="of">describes the training</param>
    /// <exception cref="RequestException">It is more than there is.</exception>
    public static IReadOnlyList<string> Check(RunRequest request, TrainingPlan plan, Func<TrainingMemory> of) =>
        request.Group.AllSay(IsKnown(request.Device))
        && !request.Group.FirstSays(RunCheckpoint.IsAtEnd(RunFolder.Of(request.Out).LatestCheckpoint, plan))
            ? [of().Check()] : [];

    /// <summary>What the training takes, as one line for people.</summary>
    /// <exception cref="RequestException">It is more than there is.</exception>
    private string Check()
    {
        long limit = AvailableMemory.For(Group);
        var need = Measure(Checkpointed, limit);
        long bytes = need.Of(Training.BatchSize, Training.AccumulationSteps);
        return bytes <= limit
            ? $"memory: about {Gigabytes(bytes)} of {Gigabytes(limit)} free"
            : throw new RequestException(
                $"the training needs about {Gigabytes(bytes)} of memory and {Gigabytes(limit)} are free; {Alternatives(need, (long)(Margin * limit))}");
    }

    /// <summary>The largest part of a batch that fits into this process, up to that of the settings.</summary>
    /// <exception cref="RequestException">None does.</exception>
    public int LargestBatch()
    {
        long limit = AvailableMemory.For(Group);
        var need = Measure(Checkpointed, limit);
        int size = need.LargestBatch((long)(Margin * limit), Training.BatchSize, Training.AccumulationSteps);
        return size > 0 ? size : throw new RequestException(
            $"no batch fits into the {Gigabytes(limit)} of memory that are free; {Alternatives(need, (long)(Margin * limit))}");
    }

    private MemoryNeed Measure(bool checkpointed, long limit)
    {
        try
        {
            return Probe.Measure(() => Create(checkpointed), Training, Plan, limit);
        }
        catch (InsufficientMemoryException)
        {
            throw new RequestException(
                $"not even a step of the fewest images fits into the {Gigabytes(limit)} of memory that are free; take a smaller network or smaller crops");
        }
    }

    private string Alternatives(MemoryNeed need, long limit)
    {
        int batch = Training.BatchSize, parts = Training.AccumulationSteps;
        List<string> fitting = [];
        AddParts(need, "");
        if (!Checkpointed)
        {
            var less = Measure(checkpointed: true, limit);
            if (less.Of(batch, parts) <= limit)
            {
                fitting.Add($"--checkpoint-activations ({Gigabytes(less.Of(batch, parts))}, slower)");
            }
            else if (fitting.Count == 0)
            {
                AddParts(less, "--checkpoint-activations ");
            }
        }

        if (need.LargestBatch(limit, batch, parts) is > 0 and var smaller)
        {
            fitting.Add($"--batch-size {smaller * Group.Size} ({Gigabytes(need.Of(smaller, parts))})");
        }

        return fitting.Count > 0 ? $"what fits: {string.Join(", or ", fitting)}" : "take a smaller network or smaller crops";

        void AddParts(MemoryNeed need, string with)
        {
            if (Accumulates && need.FewestParts(limit, batch) is > 0 and var more)
            {
                fitting.Add($"{with}--accumulation-steps {more} ({Gigabytes(need.Of(batch, more))}, the same batch)");
            }
        }
    }

    private static string Gigabytes(long bytes) => $"{(bytes / 1e9).ToString(bytes < 10e9 ? "F2" : "F1", CultureInfo.InvariantCulture)} GB";
}
