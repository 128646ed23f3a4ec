using System.Text.Json.Nodes;
using DinoSharp.Data;
using DinoSharp.Training;
using DinoSharp.Training.Runs;

namespace DinoSharp.Cli.Training;

/// <summary>A training that stands ready: what learns, from what, and by what it is judged.</summary>
internal sealed record TrainingJob
{
    public required TrainingMethod Method { get; init; }

    public required TrainingOptions Options { get; init; }

    public required TrainingPlan Plan { get; init; }

    /// <summary>The batches of an epoch from a given one on.</summary>
    public required Func<int, int, IEnumerable<TrainingBatch>> Batches { get; init; }

    /// <summary>What makes a run this run, flat names to values (<see cref="RunFolder.Open"/>).</summary>
    public required JsonObject Identity { get; init; }

    /// <summary>The data's paths, as they were given.</summary>
    public required IReadOnlyList<string> Data { get; init; }

    /// <summary>Settings for whoever reads a checkpoint, under the reference's names.</summary>
    public required IReadOnlyDictionary<string, object?> Arguments { get; init; }

    /// <summary>By what the run is judged; null for nothing.</summary>
    public RunScore? Score { get; init; }

    /// <summary>How long the training has waited for images.</summary>
    public required Func<TimeSpan> LoaderWait { get; init; }

    /// <summary>Images that could not be used so far.</summary>
    public required FaultLog Faults { get; init; }

    /// <summary>Images there are to learn from.</summary>
    public required int Images { get; init; }

    /// <summary>Said before the first step, a line each.</summary>
    public IReadOnlyList<string> Advice { get; init; } = [];
}
