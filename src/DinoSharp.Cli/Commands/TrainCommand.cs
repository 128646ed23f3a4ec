using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Imaging;
using DinoSharp.Models.Weights;
using DinoSharp.Training.Memory;
using DinoSharp.Training.Runs;
using TorchSharp;

namespace DinoSharp.Cli.Commands;

/// <summary>dino train: learns a backbone from images without labels.</summary>
internal sealed class TrainCommand
{
    private const int PreviewedImages = 8;

    private readonly TrainOptions _options;
    private readonly Option<string?> _out = OptionFactory.Text(
        "--out", "run folder; a run of the same settings in it goes on", "--output-dir");
    private readonly Option<int> _threads = OptionFactory.Value(
        "--threads", "threads that load images", Ranks.Group.Processors, "--num-workers");
    private readonly Option<bool> _checkpointActivations = OptimizationOptions.CheckpointActivations();
    private readonly Option<int> _logEvery = OptionFactory.Value("--log-every", "steps between two lines of metrics", 10);
    private readonly Option<double> _saveMinutes = OptionFactory.Value(
        "--save-minutes", "minutes between two saves of the newest state", 10.0);
    private readonly Option<int> _keepEvery = OptionFactory.Value(
        "--keep-every", "epochs between two checkpoints that are kept; 0 for none", 20, "--saveckp-freq");
    private readonly Option<int> _knnEvery = OptionFactory.Value(
        "--knn-every", "epochs between two k-NN evaluations, which also choose the best checkpoint; 0 for none", 0);
    private readonly Option<string?> _knnData = OptionFactory.Text(
        "--knn-data", "labelled images for --knn-every, with a test or val split or without; by default --data");
    private readonly Option<double> _faultShare = OptionFactory.Value("--fault-share", "part of the images that may be unusable", 0.05);
    private readonly Option<string?> _preview = OptionFactory.Text("--preview-views", "only draw what the network would see, to this .png");

    /// <summary>Options of the reference by which its processes find each other.</summary>
    private readonly Option[] _ignored =
    [
        OptionFactory.Text("--dist-url", "accepted; mpirun joins the processes"),
        OptionFactory.Text("--local-rank", "accepted; mpirun numbers the processes"),
    ];

    private TrainCommand(MethodChoice choice)
    {
        _options = new TrainOptions(choice);
        _options.Data.HelpName = _knnData.HelpName = "PATH";
        _out.HelpName = "FOLDER";
        _preview.HelpName = "FILE.png";
        Command = new GroupedCommand(
            "train",
            "learn a backbone from images without labels",
            "dino train --data PICTURES --out RUN",
            "A command of the reference can follow as it stands: dino train python main_dino.py --arch vit_small --data_path ...",
            new OptionGroup("Most used", [_options.Data, _out, .. _options.MostUsed, _knnEvery, _preview]),
            new OptionGroup("Images", [.. _options.Images, _threads, _faultShare, _knnData]),
            new OptionGroup("Run folder", _saveMinutes, _keepEvery, _logEvery),
            new OptionGroup("Network", _options.Network),
            new OptionGroup(_options.Title, _options.Method),
            new OptionGroup("Optimization", [.. _options.Optimization, _checkpointActivations]),
            new OptionGroup("Views", _options.Views));
        foreach (var option in Command.Groups.SelectMany(group => group.Options))
        {
            Command.Options.Add(option);
        }

        foreach (var option in _ignored.Append(_options.Precision.Reference))
        {
            option.Hidden = true;
            Command.Options.Add(option);
        }

        Command.SetAction(Run);
    }

    /// <summary>For the command line.</summary>
    public GroupedCommand Command { get; }

    /// <param name="arguments">the command line, which chooses the method and so the options</param>
    /// <exception cref="ArgumentException">There is no such method.</exception>
    public static TrainCommand Create(params IReadOnlyList<string> arguments) => new(MethodChoice.Of(arguments));

    /// <summary>What a command line asks to be computed; looks at its images, unless it asks for settings as published.</summary>
    /// <exception cref="RequestException">Something needed is missing, or a name is unknown.</exception>
    public (TrainSettings Settings, RunRequest Request) Read(ParseResult parsed)
    {
        var facts = Facts(parsed);
        var settings = Settings(parsed, facts);
        var request = Request(parsed, settings);
        var (precision, why) = _options.Precision.Choose(parsed, request);
        settings = settings.In(precision, why);
        if (!_options.FitsBatch(parsed))
        {
            return (settings, request);
        }

        // A run keeps the batch that it began with, whatever is free today.
        int? earlier = (int?)RunFolder.SettingsOf(request.Out)?[TrainSettings.BatchSizeName];
        int useful = settings.Training.BatchSize, size = earlier ?? Pretraining.LargestBatch(settings, request);
        string reason = earlier is not null ? "what the run has" : size < useful ? "the most that fits into memory" : "what is useful, and it fits into memory";
        settings = _options.Read(parsed, facts, size).Validated().In(precision, why);
        return (settings with { Reasons = [.. settings.Reasons, $"--batch-size {size} (auto): {reason}"] }, request);
    }

    /// <summary>What a command line asks to be computed.</summary>
    /// <param name="parsed">the command line</param>
    /// <param name="facts">of the images, which the rest has to fit; null for settings as published</param>
    /// <exception cref="RequestException">Something needed is missing, or a name is unknown.</exception>
    public TrainSettings Settings(ParseResult parsed, DataFacts? facts) => _options.Read(parsed, facts).Validated();

    /// <summary>What it asks for beside that.</summary>
    /// <exception cref="RequestException">Something needed is missing.</exception>
    public RunRequest Request(ParseResult parsed, TrainSettings settings)
    {
        var device = GlobalOptions.DeviceOf(parsed); // first: it makes the group of processes one for that device
        return new()
        {
            Out = OutOf(parsed),
            Device = device,
            CheckpointActivations = parsed.GetValue(_checkpointActivations),
            Threads = Math.Max(parsed.GetValue(_threads), 1),
            KnnData = parsed.GetValue(_knnEvery) > 0 ? parsed.GetValue(_knnData) ?? OnlyPath(settings.Data) : null,
            FaultShare = parsed.GetValue(_faultShare),
            Recording = new RecordingOptions
            {
                LogEverySteps = parsed.GetValue(_logEvery),
                SaveEvery = OptionFactory.Minutes(_saveMinutes, parsed.GetValue(_saveMinutes)),
                KeepEveryEpochs = parsed.GetValue(_keepEvery),
                EvaluateEveryEpochs = parsed.GetValue(_knnEvery),
            },
        };
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        if (parsed.GetValue(_preview) is { } preview)
        {
            DrawViews(Settings(parsed, Facts(parsed)), preview, terminal);
            return 0;
        }

        _ = OutOf(parsed); // before the images are looked at
        var (settings, request) = Read(parsed);
        using var signals = new StopSignals();
        var outcome = Pretraining.Start(settings, request, terminal, signals.Token);
        if (!request.Group.IsFirst)
        {
            return outcome.Finished ? 0 : StopSignals.ExitCode;
        }

        bool reported = outcome.Finished && Report(outcome.Folder, settings, request, terminal);
        string shown = reported ? $"; curves, neighbours and attention maps: {outcome.Folder.ReportFile}" : "";
        terminal.Line(outcome.Finished
            ? $"done: {outcome.Folder.LatestCheckpoint}{shown}"
            : $"stopped and saved in {request.Out}; the same command goes on from here");
        terminal.Result(new JsonObject
        {
            ["run"] = outcome.Folder.Path,
            ["finished"] = outcome.Finished,
            ["steps_done"] = outcome.StepsDone,
            ["steps"] = outcome.Steps,
            ["checkpoint"] = outcome.Folder.LatestCheckpoint,
            ["report"] = reported ? outcome.Folder.ReportFile : null,
            ["unusable_images"] = outcome.UnusableImages,
        });
        return outcome.Finished ? 0 : StopSignals.ExitCode;
    }

    private string OutOf(ParseResult parsed) =>
        parsed.GetValue(_out) ?? throw new RequestException("--out is missing: name a folder for the run");

    /// <summary>What the settings have to fit; null where they are to be as published.</summary>
    private DataFacts? Facts(ParseResult parsed)
    {
        if (_options.AsPublished(parsed))
        {
            return null;
        }

        var data = _options.ReadData(parsed);
        using var source = data.Open();
        return DataFacts.Of(source, data.Decoding());
    }

    /// <summary>Whether a file was written after another, which may be missing.</summary>
    private static bool IsNewer(string path, string other) => File.GetLastWriteTimeUtc(path) > File.GetLastWriteTimeUtc(other);

    /// <summary>
    /// Writes the report, unless there is one of the newest state. Where the images are gone by now, that costs the report and not the run.
    /// </summary>
    /// <returns>Whether there is one.</returns>
    private static bool Report(RunFolder folder, TrainSettings settings, RunRequest request, Terminal terminal)
    {
        if (!IsNewer(folder.LatestCheckpoint, folder.ReportFile))
        {
            return true;
        }

        try
        {
            WriteReport(folder, settings, request);
            return true;
        }
        catch (Exception error) when (error is ImageSourceException or ImageFormatException)
        {
            terminal.Line($"no report can be written: {error.Message}");
            return false;
        }
    }

    private static void WriteReport(RunFolder folder, TrainSettings settings, RunRequest request)
    {
        ProcessMemory.GiveBack(); // what the training had, for the checkpoint and the batches read now
        using var source = settings.Data.Open();
        var (backbone, _) = Pretrained.Load(folder.Path);
        using (backbone)
        {
            backbone.to(request.Device);
            var loading = new LoaderOptions
            {
                Threads = request.Threads,
                FaultShareLimit = request.FaultShare,
                Decoding = settings.Data.Decoding(),
            };
            var shown = (source, settings.EvaluationRecipe);
            new RunReport(Path.GetFileName(folder.Path), backbone, loading).Write(folder.ReportFile, folder.MetricsFile, [], shown, shown);
        }
    }

    private static string OnlyPath(DataSettings data) => data.Paths.Count == 1
        ? data.Paths[0]
        : throw new RequestException("--knn-data is missing: name the labelled images that --knn-every scores on, as --data names several");

    private static void DrawViews(TrainSettings settings, string path, Terminal terminal)
    {
        using var source = settings.Data.Open();
        using var sheet = ViewSheet.Draw(
            source, settings.Method.Recipe(settings.Views), settings.Data.Decoding(), PreviewedImages, (ulong)settings.Training.Seed);
        try
        {
            PngWriter.Save(sheet, path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RequestException($"{path} cannot be written ({error.Message.TrimEnd('.')}): name a .png in a folder that is there");
        }

        int rows = Math.Min(PreviewedImages, source.Count);
        terminal.Line(string.Create(
            CultureInfo.InvariantCulture, $"{path}: {rows} images, a row each: the image, its global crops, its local crops"));
        terminal.Result(new JsonObject { ["preview"] = Path.GetFullPath(path) });
    }
}
