using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Classification;
using DinoSharp.Cli.Training;
using DinoSharp.Evaluation.Report;
using DinoSharp.Models;

namespace DinoSharp.Cli.Commands;

/// <summary>dino finetune: trains a whole network on labelled images, from its weights or from none (arXiv 2104.14294, section 4.4).</summary>
internal sealed class FinetuneCommand
{
    private readonly LabelledSetOptions _sets = new();
    private readonly RunOptions _run = new(epochs: 100);
    private readonly FinetuneOptions _training;
    private readonly PrecisionOption _precision = new();
    private readonly WeightsOptions _weights = new();
    private readonly LoadingOptions _loading = new();
    private readonly ResultOptions _results = new();

    private FinetuneCommand()
    {
        _training = new FinetuneOptions(_run);
        Command = new GroupedCommand(
            "finetune",
            "train a network on labelled images, from pre-trained weights or from none",
            "dino finetune --data LABELLED --weights RUN --out FINETUNED",
            "The recipe is DeiT's: AdamW, mixup, CutMix, label smoothing, random erasing, stochastic depth.",
            new OptionGroup("Most used", [.. _sets.All, .. _weights.All, _training.FromScratch, .. _run.All]),
            new OptionGroup("Images", [.. _loading.All]),
            _training.Optimization with { Options = [.. _training.Optimization.Options, _precision.Option] },
            _training.Regularization,
            new OptionGroup("Result", [.. _results.All]));
    }

    private GroupedCommand Command { get; }

    public static Command Create()
    {
        var finetune = new FinetuneCommand();
        foreach (var option in finetune.Command.Groups.SelectMany(group => group.Options))
        {
            finetune.Command.Options.Add(option);
        }

        finetune.Command.SetAction(finetune.Run);
        return finetune.Command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        string weights = _weights.PathOf(parsed);
        var loading = _loading.Loader(parsed);
        var device = GlobalOptions.DeviceOf(parsed);
        var request = _run.Request(parsed, loading, device) with { CheckpointActivations = _training.CheckpointsActivations(parsed) };
        using var sets = _sets.Open(parsed, terminal);
        using var pretrained = _weights.Load(parsed, device, terminal);
        var view = _loading.View(parsed, pretrained);
        var settings = _training.Settings(parsed, loading.BatchSize, view.CropSize);
        var (precision, reason) = _precision.Choose(parsed, request);
        settings = settings with { Training = settings.Training with { Precision = precision } };
        if (reason is not null)
        {
            terminal.Line(reason);
        }

        using var signals = new StopSignals();
        var finetuning = new Finetuning(sets, view, loading.WithChannels(pretrained.InputChannels), settings, request, terminal);
        var (outcome, score) = finetuning.Run(pretrained, signals.Token);
        if (score is null)
        {
            terminal.Line($"stopped and saved in {request.Out}; the same command goes on from here");
            terminal.Result(new JsonObject { ["run"] = outcome.Folder.Path, ["finished"] = false });
            return StopSignals.ExitCode;
        }

        string predictions = Finetuning.PredictionsOf(outcome.Folder);
        terminal.Table(["", "top-1 %", "top-5 %"], [["after the last epoch", Percent(score.Top1), Percent(score.Top5)]]);
        Wording.TellFaults(terminal, finetuning.TestFaults.Faults, sets.Test.Count, "were left out");
        terminal.Line($"{predictions}: what it says of each image of the test; \"dino predict --weights {request.Out}\" does so of others");
        _results.Keep(
            parsed,
            new EvaluationRecord
            {
                Protocol = settings.FromScratch ? "supervised" : "finetune",
                Data = _sets.NameOf(parsed),
                DataPath = _sets.DataPathOf(parsed),
                Weights = weights,
                Network = BackboneCatalogue.Label(pretrained),
                Setting = string.Create(CultureInfo.InvariantCulture, $"{settings.Training.Epochs} epochs, {view.CropSize} pixels"),
                Scores = [new Score("top-1", score.Top1), new Score("top-5", score.Top5)],
            },
            terminal);
        terminal.Result(new JsonObject
        {
            ["run"] = outcome.Folder.Path,
            ["finished"] = true,
            ["images"] = score.Images,
            ["top1"] = score.Top1,
            ["top5"] = score.Top5,
            ["predictions"] = predictions,
        });
        return 0;
    }

    private static string Percent(double value) => value.ToString("F2", CultureInfo.InvariantCulture);
}
