using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Classification;
using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using TorchSharp;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Commands;

/// <summary>dino self-train: a classifier from few labelled images and many without labels, by noisy students (arXiv 1911.04252).</summary>
internal sealed class SelfTrainCommand
{
    private readonly LabelledSetOptions _sets = new();
    private readonly RunOptions _run = new(epochs: 100);
    private readonly FinetuneOptions _training;
    private readonly Option<string[]> _unlabelled = Several<string>("--unlabelled", $"to be labelled by the teacher: {DataHelp.Unlabelled}");
    private readonly Option<int> _iterations = Value("--iterations", "students, each of which labels the images for the next", 3);
    private readonly Option<double> _threshold = Value("--threshold", "confidence below which a pseudo-label is left out", 0.3);
    private readonly Option<int?> _perClass = Maybe<int>(
        "--images-per-class", "pseudo-labelled images of each class, the surest ones, repeated where they are too few; by default the mean");
    private readonly Option<bool> _hard = Flag("--hard-labels", "students learn the teacher's most probable class, and not all its probabilities");
    private readonly Option<string?> _student = Text(
        "--student-weights", "where students start, if not from --weights: a network as large as the teacher's, or larger");
    private readonly Option<double> _studentDropPath = Value("--student-drop-path-rate", "stochastic depth of students that are transformers", 0.2);
    private readonly Option<double> _studentDropout = Value(
        "--student-dropout", "chance of each number of a feature to be dropped before a student's classifier", 0.5);
    private readonly Option<double> _augment = Value("--rand-augment", "magnitude of RandAugment in the views of students; 0 for none", 27.0);
    private readonly WeightsOptions _weights = new();
    private readonly LoadingOptions _loading = new();

    private SelfTrainCommand()
    {
        _training = new FinetuneOptions(_run);
        Command = new GroupedCommand(
            "self-train",
            "train a classifier on few labelled images and many without labels, by noisy students",
            "dino self-train --data LABELLED --unlabelled PICTURES --weights RUN --out SELF-TRAINED",
            "A teacher labels the images, a student learns from them with noise and is the next teacher. Started again, it goes on.",
            new OptionGroup("Most used", [.. _sets.All, _unlabelled, .. _weights.All, _training.FromScratch, _iterations, .. _run.All]),
            new OptionGroup("Pseudo-labels", _threshold, _perClass, _hard),
            new OptionGroup("Students", _student, _studentDropPath, _studentDropout, _augment),
            new OptionGroup("Images", [.. _loading.All]),
            _training.Optimization,
            _training.Regularization);
    }

    private GroupedCommand Command { get; }

    public static Command Create()
    {
        var selfTrain = new SelfTrainCommand();
        foreach (var option in selfTrain.Command.Groups.SelectMany(group => group.Options))
        {
            selfTrain.Command.Options.Add(option);
        }

        selfTrain.Command.SetAction(selfTrain.Run);
        return selfTrain.Command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        string[] paths = parsed.GetValue(_unlabelled) is { Length: > 0 } named
            ? named
            : throw new RequestException("--unlabelled is missing: name a folder or archive of images for the teacher to label");
        var loading = _loading.Loader(parsed);
        var device = GlobalOptions.DeviceOf(parsed);
        var request = _run.Request(parsed, loading, device) with { CheckpointActivations = _training.CheckpointsActivations(parsed) };
        using var sets = _sets.Open(parsed, terminal);
        using var unlabelled = ImageSources.OpenAll(paths);
        Wording.TellNotices(terminal, unlabelled);
        using var teacher = _weights.Load(parsed, device, terminal);
        var view = _loading.View(parsed, teacher);
        using var larger = Student(parsed, teacher, view.CropSize, device, terminal);
        var settings = Settings(parsed, loading.BatchSize, view.CropSize);

        using var signals = new StopSignals();
        var selfTraining = new SelfTraining(
            sets, unlabelled, view, loading.WithChannels(teacher.InputChannels), settings, request, terminal);
        var runs = selfTraining.Run(teacher, larger ?? teacher, signals.Token);
        bool finished = runs.Count == settings.Iterations + 1;
        terminal.Table(
            ["", "pseudo-labels", "top-1 %", "top-5 %"],
            runs.Select(run => (string[])
                [Path.GetFileName(run.Folder), Wording.Number(run.PseudoLabels), Percent(run.Score.Top1), Percent(run.Score.Top5)]));
        terminal.Line(finished
            ? $"{runs[^1].Folder}: the last student; \"dino predict --weights {runs[^1].Folder}\" says of others which class they are of"
            : $"stopped and saved in {request.Out}; the same command goes on from here");
        terminal.Result(new JsonObject
        {
            ["finished"] = finished,
            ["runs"] = new JsonArray(
            [
                .. runs.Select(run => new JsonObject
                {
                    ["run"] = run.Folder,
                    ["pseudo_labels"] = run.PseudoLabels,
                    ["images"] = run.Score.Images,
                    ["top1"] = run.Score.Top1,
                    ["top5"] = run.Score.Top5,
                }),
            ]),
        });
        return finished ? 0 : StopSignals.ExitCode;
    }

    /// <summary>Where students start; null for where the teacher starts.</summary>
    /// <exception cref="RequestException">It cannot take the teacher's images.</exception>
    private Backbone? Student(ParseResult parsed, Backbone teacher, int side, torch.Device device, Terminal terminal)
    {
        if (parsed.GetValue(_student) is not { } path)
        {
            return null;
        }

        var (student, report) = Pretrained.Load(path);
        if (student.InputChannels != teacher.InputChannels || student.MinimumImageSide > side)
        {
            student.Dispose();
            throw new RequestException(
                $"{path}: takes images of {student.InputChannels} channels and at least {student.MinimumImageSide} pixels, not " +
                $"{teacher.InputChannels} and {side}: name another network with {_student.Name}");
        }

        student.to(device);
        terminal.Line(report.ToString());
        return student;
    }

    private SelfTrainSettings Settings(ParseResult parsed, int batchSize, int side)
    {
        var teacher = _training.Settings(parsed, batchSize, side);
        double magnitude = parsed.GetValue(_augment);
        var ofStudents = teacher.Supervised with { Dropout = parsed.GetValue(_studentDropout) };
        ofStudents.Validate();
        return new SelfTrainSettings
        {
            Iterations = parsed.GetValue(_iterations),
            Threshold = parsed.GetValue(_threshold),
            ImagesPerClass = parsed.GetValue(_perClass),
            HardLabels = parsed.GetValue(_hard),
            Teacher = teacher,
            Student = teacher with
            {
                DropPathRate = parsed.GetValue(_studentDropPath),
                Supervised = ofStudents,
                Crop = (teacher.Crop with { RandAugment = magnitude == 0 ? null : new RandAugmentOptions { Magnitude = magnitude } }).Validated(),
            },
        }.Validated();
    }

    private static string Percent(double value) => value.ToString("F2", CultureInfo.InvariantCulture);
}
