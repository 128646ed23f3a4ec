using System.CommandLine;
using DinoSharp.Data;
using DinoSharp.Evaluation.Report;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Commands;

/// <summary>The options of verbs that learn from labelled images and are tested on others.</summary>
internal sealed class LabelledSetOptions
{
    private const int ClassesShown = 5;

    /// <summary>Folders that say nothing of what is in them.</summary>
    private static readonly string[] Splits = ["train", "val", "test"];

    private readonly Option<string?> _data = Text(
        "--data",
        "labelled images, in whatever \"dino train\" takes; the test or val split is tested, or without splits every fifth image",
        "--data-path");
    private readonly Option<string?> _train = Text("--train", "with --test instead of --data: the labelled images to learn from");
    private readonly Option<string?> _test = Text("--test", "with --train instead of --data: the labelled images to test on");

    /// <summary>All options, in the order of the help.</summary>
    public IEnumerable<Option> All => [_data, _train, _test];

    /// <summary>The two sets; tells what a person should know of them.</summary>
    /// <exception cref="RequestException">The command line names none, or too many.</exception>
    /// <exception cref="ImageSourceException">There is nothing usable at a path, or it has no labels.</exception>
    public HeldOut Open(ParseResult parsed, Terminal terminal)
    {
        var sets = (parsed.GetValue(_data), parsed.GetValue(_train), parsed.GetValue(_test)) switch
        {
            ({ } data, null, null) => HeldOut.Open(data),
            (null, { } train, { } test) => HeldOut.Open(train, test),
            (null, null, null) => throw new RequestException(
                "--data is missing: name a folder or archive of labelled images, or --train and --test"),
            _ => throw new RequestException("give either --data, or both --train and --test"),
        };
        Wording.TellNotices(terminal, sets.Train, sets.Test);
        terminal.Line($"train: {Wording.Number(sets.Train.Count)} images of {sets.Train.Classes.Count} classes in {sets.Train.Path}");
        terminal.Line($"test: {Wording.Number(sets.Test.Count)} images of {sets.Test.Classes.Count} classes in {sets.Test.Path}");
        if (sets.Test.Classes.Except(sets.Train.Classes).ToArray() is { Length: > 0 } unknown)
        {
            string more = unknown.Length > ClassesShown ? ", ..." : "";
            terminal.Line($"{unknown.Length} classes of the test images have no train image and count as missed: "
                + string.Join(", ", unknown.Take(ClassesShown)) + more);
        }

        return sets;
    }

    /// <summary>The set of --data; null where the command line names none.</summary>
    public string? DataOf(ParseResult parsed) => parsed.GetValue(_data);

    /// <summary>The paths as they were given.</summary>
    public IReadOnlyList<string> PathsOf(ParseResult parsed) =>
        [.. new[] { parsed.GetValue(_data), parsed.GetValue(_train), parsed.GetValue(_test) }.OfType<string>()];

    /// <summary>What a person would call the data: the last part of its path, or of the test images'; of a split the folder around it.</summary>
    public string NameOf(ParseResult parsed)
    {
        string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(PathsOf(parsed)[^1])), name = Path.GetFileName(path);
        return Splits.Contains(name) && Path.GetFileName(Path.GetDirectoryName(path)) is { Length: > 0 } around ? around : name;
    }

    /// <summary>Where the data are, for a record.</summary>
    public string DataPathOf(ParseResult parsed) => EvaluationRecord.PathOf(PathsOf(parsed));
}
