using System.CommandLine;
using DinoSharp.Checkpoints;
using DinoSharp.Cli.Commands;
using DinoSharp.Data;
using DinoSharp.Evaluation;
using DinoSharp.Imaging;
using DinoSharp.Models;
using DinoSharp.Training;
using DinoSharp.Training.Runs;

namespace DinoSharp.Cli;

/// <summary>The command line as a whole: its verbs, and how failures are told.</summary>
internal static class Application
{
    private const int Done = 0;
    private const int FailedAtWork = 1;
    private const int WrongRequest = 2;

    /// <summary>Runs one command.</summary>
    /// <returns>0 done, 1 failed at work, 2 the request was wrong</returns>
    public static int Run(string[] arguments)
    {
        var parsed = Root().Parse(ReferenceCommandLine.Translate(arguments));
        if (parsed.Errors.Count > 0)
        {
            Console.Error.WriteLine($"dino: {parsed.Errors[0].Message.ReplaceLineEndings(" ")} (see dino {parsed.CommandResult.Command.Name} --help)"
                .Replace(" dino dino ", " dino ", StringComparison.Ordinal));
            return WrongRequest;
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception error) when (!parsed.GetValue(GlobalOptions.Verbose) && CodeOf(error) is { } code)
        {
            Console.Error.WriteLine($"dino: {error.Message.ReplaceLineEndings(" ")}");
            return code;
        }
    }

    private static RootCommand Root() => new("Self-supervised vision: learn features from unlabelled images, measure them, use them.")
    {
        GlobalOptions.Json,
        GlobalOptions.Verbose,
        GlobalOptions.Device,
        TrainCommand.Create(),
    };

    /// <summary>The exit code for failures that have one line to say; null for faults of this program, whose trace is wanted.</summary>
    private static int? CodeOf(Exception error) => error switch
    {
        RequestException or RunFolderException or TorchUnavailableException or ArgumentException => WrongRequest,
        ImageSourceException or ImageFormatException or CheckpointException or EvaluationException or TrainingDivergedException
            or IOException or UnauthorizedAccessException => FailedAtWork,
        _ => null,
    };
}
