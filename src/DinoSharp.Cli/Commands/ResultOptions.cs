using System.CommandLine;
using DinoSharp.Evaluation.Report;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Commands;

/// <summary>Where protocols keep what they find out, for "dino report".</summary>
internal sealed class ResultOptions
{
    /// <summary>The folder in a run folder.</summary>
    public const string FolderName = "evaluations";

    private readonly Option<string?> _results = Text(
        "--results", $"folder that keeps the result for \"dino report\"; of a run folder's weights {FolderName}/ in it, else none");

    /// <summary>All options, in the order of the help.</summary>
    public IEnumerable<Option> All => [_results];

    /// <summary>The folder that keeps results of some weights; null where none is asked for.</summary>
    /// <param name="parsed">the command line</param>
    /// <param name="weights">what is evaluated: a path</param>
    public string? FolderOf(ParseResult parsed, string weights) => parsed.GetValue(_results)
        ?? (File.Exists(Path.Combine(weights, "run.json")) ? Path.Combine(weights, FolderName) : null);

    /// <summary>Keeps a result where one is asked for, and says where; of several processes the first does.</summary>
    public void Keep(ParseResult parsed, EvaluationRecord record, Terminal terminal)
    {
        if (Ranks.Group.IsFirst && FolderOf(parsed, record.Weights) is { } folder)
        {
            terminal.Line($"{record.Save(folder)}: kept for dino report");
        }
    }
}
