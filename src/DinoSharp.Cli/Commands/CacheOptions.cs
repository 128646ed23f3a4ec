using System.CommandLine;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Commands;

/// <summary>Where verbs that take features of many images keep them, so that interrupted work goes on where it stood.</summary>
internal sealed class CacheOptions
{
    /// <summary>The folder where results are kept.</summary>
    private const string FolderName = "features";

    private readonly Option<string?> _cache = Text(
        "--cache", $"folder that keeps features, so that interrupted work goes on; by default {FolderName}/ where results are kept, else none");

    /// <summary>All options, in the order of the help.</summary>
    public IEnumerable<Option> All => [_cache];

    /// <summary>Whether a command line names a folder.</summary>
    public bool Given(ParseResult parsed) => parsed.GetValue(_cache) is not null;

    /// <summary>The folder that keeps features; null for none.</summary>
    /// <param name="parsed">the command line</param>
    /// <param name="results">the folder that keeps results; null for none</param>
    public string? FolderOf(ParseResult parsed, string? results) =>
        parsed.GetValue(_cache) ?? (results is null ? null : Path.Combine(results, FolderName));
}
