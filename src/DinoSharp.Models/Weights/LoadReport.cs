using System.Globalization;
using DinoSharp.Checkpoints;

namespace DinoSharp.Models.Weights;

/// <summary>What became of every tensor of a file, and of every tensor of a network.</summary>
/// <param name="Source">the file</param>
/// <param name="Loaded">names that were there in both with one shape</param>
/// <param name="Missing">names of the network that the file lacks</param>
/// <param name="Unexpected">names of the file that the network lacks</param>
/// <param name="Mismatched">names with another shape in the file, each with both shapes</param>
/// <param name="Ignored">names of the file that belong to another network, such as a classifier</param>
public sealed record LoadReport(
    string Source,
    IReadOnlyList<string> Loaded,
    IReadOnlyList<string> Missing,
    IReadOnlyList<string> Unexpected,
    IReadOnlyList<string> Mismatched,
    IReadOnlyList<string> Ignored)
{
    private const int Shown = 5;

    /// <summary>Whether every tensor of the network came from the file and none of the file's was left over.</summary>
    public bool Complete => Missing.Count + Unexpected.Count + Mismatched.Count == 0;

    /// <summary>One line.</summary>
    public override string ToString() => string.Join("; ", new[]
    {
        string.Create(CultureInfo.InvariantCulture, $"{Source}: {Loaded.Count} tensors loaded"),
        Part("missing", Missing),
        Part("left over", Unexpected),
        Part("of another shape", Mismatched),
        Part("not of the backbone", Ignored),
    }.Where(p => p.Length > 0));

    /// <summary>Fails unless the loading was <see cref="Complete"/>.</summary>
    /// <exception cref="CheckpointException">One line that lists what did not fit.</exception>
    public void RequireComplete()
    {
        if (!Complete)
        {
            throw new CheckpointException($"{this}: not loaded; use --partial to take what fits");
        }
    }

    private static string Part(string what, IReadOnlyList<string> names) => names.Count == 0 ? "" : string.Create(CultureInfo.InvariantCulture,
        $"{names.Count} {what} ({string.Join(", ", names.Take(Shown))}{(names.Count > Shown ? ", ..." : "")})");
}
