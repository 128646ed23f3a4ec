using System.Text.Json;
using DinoSharp.Checkpoints;

namespace DinoSharp.Cli.Compare;

/// <summary>What came of one method on one network; a line of the table, and a file in its run.</summary>
internal sealed record ComparisonResult
{
    /// <summary>How a comparison's files are written.</summary>
    internal static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    /// <summary>The name of an untrained network in place of a method's.</summary>
    public const string Untrained = "untrained";

    /// <summary>As in tables.</summary>
    public required string Method { get; init; }

    /// <summary>As in tables.</summary>
    public required string Network { get; init; }

    /// <summary>Of the backbone.</summary>
    public required long Parameters { get; init; }

    public int Epochs { get; init; }

    public long Steps { get; init; }

    /// <summary>Rate of the training when its length was measured, loading included.</summary>
    public double ImagesPerSecond { get; init; }

    /// <summary>Top-1 in percent, k = 20.</summary>
    public required double Knn { get; init; }

    /// <summary>Top-1 in percent of a linear classifier on cached features.</summary>
    public required double Linear { get; init; }

    /// <summary>What the method said of itself at the end, e.g. that it collapsed; null for nothing.</summary>
    public string? Diagnosis { get; init; }

    /// <summary>The training's command.</summary>
    public required string Command { get; init; }

    /// <summary>The result in a folder; null where there is none yet.</summary>
    /// <exception cref="CheckpointException">The file is damaged.</exception>
    public static ComparisonResult? Read(string folder)
    {
        string path = PathIn(folder);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<ComparisonResult>(File.ReadAllText(path), Json) ?? throw new JsonException("nothing inside");
        }
        catch (JsonException error)
        {
            throw new CheckpointException($"{path}: damaged ({error.Message.TrimEnd('.')}); delete it, it is then made again", error);
        }
    }

    /// <summary>Keeps the result in a folder.</summary>
    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.Write(PathIn(folder), stream => JsonSerializer.Serialize(stream, this, Json));
    }

    private static string PathIn(string folder) => Path.Combine(folder, "comparison.json");
}
