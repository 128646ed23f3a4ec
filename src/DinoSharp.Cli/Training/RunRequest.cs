using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Training;
using DinoSharp.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Training;

/// <summary>What a start of a training needs beside its settings; none of it changes what is computed.</summary>
internal sealed record RunRequest
{
    /// <summary>The run folder.</summary>
    public required string Out { get; init; }

    public required Device Device { get; init; }

    /// <summary>Processes that train together.</summary>
    public ProcessGroup Group { get; init; } = Ranks.Group;

    /// <summary>Whether activations are computed again in the backward pass in place of kept.</summary>
    public bool CheckpointActivations { get; init; }

    /// <summary>Threads that load images.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    public RecordingOptions Recording { get; init; } = new();

    /// <summary>A labelled set for k-NN during the training.</summary>
    public string? KnnData { get; init; }

    /// <summary>The part of the images that may be unusable before the run fails.</summary>
    public double FaultShare { get; init; } = 0.05;

    /// <summary>How images are loaded for a training.</summary>
    public LoaderOptions Loading(TrainingOptions training) => new()
    {
        BatchSize = training.BatchSize,
        Shares = Group.Size,
        Share = Group.Rank,
        Seed = (ulong)training.Seed,
        Threads = Threads,
        FaultShareLimit = FaultShare,
        Pinned = Device.type == DeviceType.CUDA,
    };

    /// <summary>Returns itself if the values make sense.</summary>
    /// <exception cref="ArgumentException">Says in one line which value does not.</exception>
    public RunRequest Validated()
    {
        Recording.Validated();
        return FaultShare is >= 0 and <= 1
            ? this
            : throw new ArgumentException($"the share of unusable images must be in [0, 1], not {FaultShare}: see --fault-share");
    }
}
