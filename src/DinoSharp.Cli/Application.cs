using System.CommandLine;
using System.CommandLine.Help;
using DinoSharp.Checkpoints;
using DinoSharp.Cli.Commands;
using DinoSharp.Cuda;
using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Evaluation;
using DinoSharp.Imaging;
using DinoSharp.Models;
using DinoSharp.Training;
using DinoSharp.Training.Runs;

namespace DinoSharp.Cli;

/// <summary>The command line as a whole: its verbs, and how failures are told.</summary>
internal static class Application
{
    private const int FailedAtWork = 1;
    private const int WrongRequest = 2;

    /// <summary>Verbs whose work several processes share.</summary>
    private static readonly string[] SharedVerbs = ["train", "knn", "linear", "retrieval", "embed", "copy-detection"];

    /// <summary>Runs one command, with the other processes that were started for it, if there are any.</summary>
    /// <returns>0 done, 1 failed at work, 2 the request was wrong</returns>
    public static int Run(string[] arguments)
    {
        try
        {
            Ranks.Join();
        }
        catch (Exception error) when (error is ProcessGroupUnavailableException or ProcessGroupException)
        {
            if (error is not ProcessGroupUnavailableException { IsEcho: true })
            {
                Console.Error.WriteLine($"dino: {error.Message}");
            }

            return CodeOf(error)!.Value;
        }

        int code = RunCommand(arguments);
        Ranks.Group.Dispose();
        return code;
    }

    private static int RunCommand(string[] arguments)
    {
        RootCommand root;
        ParseResult parsed;
        try
        {
            root = Root(TrainCommand.Create(arguments));
            parsed = Parse(root, arguments);
        }
        catch (Exception error) when (error is RequestException or ArgumentException)
        {
            return Failed(error.Message, WrongRequest);
        }

        if (parsed.Errors.Count > 0)
        {
            return Failed(Fault(parsed, root), WrongRequest);
        }

        string verb = parsed.CommandResult.Command.Name;
        if (Ranks.AreSeveral && parsed.Action == parsed.CommandResult.Command.Action && !SharedVerbs.Contains(verb))
        {
            return Failed($"dino {verb} is the work of one process: start it without mpirun or srun", WrongRequest);
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception error) when (!parsed.GetValue(GlobalOptions.Verbose) && CodeOf(error) is { } code)
        {
            return Failed(error.Message.ReplaceLineEndings(" "), code);
        }
    }

    /// <summary>Says why nothing more is done; where there are several processes, one says it for all, and all end.</summary>
    private static int Failed(string line, int code)
    {
        if (Ranks.AreSeveral)
        {
            Ranks.Group.Fail(line, code);
        }

        Console.Error.WriteLine($"dino: {line}");
        return code;
    }

    /// <summary>Reads a command line, in this program's spelling or the reference's.</summary>
    public static ParseResult Parse(RootCommand root, string[] arguments) =>
        root.Parse(arguments.Length == 0 ? ["--help"] : FlagWords.Spell(root, ReferenceCommandLine.Translate(arguments)));

    /// <summary>What is wrong with a command line, and where to read how it is right.</summary>
    private static string Fault(ParseResult parsed, RootCommand root)
    {
        var verb = parsed.CommandResult.Command;
        string verbs = string.Join(", ", root.Subcommands.Select(c => c.Name));
        return verb == root && parsed.UnmatchedTokens.Count > 0
            ? $"there is no '{parsed.UnmatchedTokens[0]}'; the verbs are {verbs} (see dino --help)"
            : $"{Plainly(parsed.Errors[0].Message)} (see dino {(verb == root ? "" : verb.Name + " ")}--help)";
    }

    /// <summary>The parser's message in the words of a command line instead of those of the runtime.</summary>
    private static string Plainly(string message) => message
        .ReplaceLineEndings(" ")
        .TrimEnd('.')
        .Replace("as expected type 'System.Double'", "as a number", StringComparison.Ordinal)
        .Replace("as expected type 'System.Int32'", "as a whole number", StringComparison.Ordinal)
        .Replace("as expected type 'System.Int64'", "as a whole number", StringComparison.Ordinal);

    /// <summary>All verbs.</summary>
    public static RootCommand Root(TrainCommand train)
    {
        var root = new RootCommand("Self-supervised vision: learn features from unlabelled images, measure them, use them.")
        {
            GlobalOptions.Json,
            GlobalOptions.Verbose,
            GlobalOptions.Device,
            DemoCommand.Create(),
            train.Command,
            CompareCommand.Create(),
            DataCommand.Create(),
            KnnCommand.Create(),
            LinearCommand.Create(),
            FinetuneCommand.Create(),
            SelfTrainCommand.Create(),
            PredictCommand.Create(),
            RetrievalCommand.Create(),
            EmbedCommand.Create(),
            CopyDetectionCommand.Create(),
            ReportCommand.Create(),
            AttentionCommand.Create(),
            SegmentVideoCommand.Create(),
            DavisCommand.Create(),
            ModelsCommand.Create(),
            InspectCommand.Create(),
            ConvertCommand.Create(),
        };
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new GroupedHelp((HelpAction)help.Action!);
        return root;
    }

    /// <summary>The exit code for failures that have one line to say; null for faults of this program, whose trace is wanted.</summary>
    private static int? CodeOf(Exception error) => error switch
    {
        RequestException or RunFolderException or TorchUnavailableException or ProcessGroupUnavailableException or ArgumentException
            => WrongRequest,
        ImageSourceException or ImageFormatException or CheckpointException or EvaluationException or TrainingDivergedException
            or ProcessGroupException or CudaException or IOException or UnauthorizedAccessException => FailedAtWork,
        _ => null,
    };
}
