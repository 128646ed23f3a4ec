using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Classification;
using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Evaluation.Report;
using DinoSharp.Methods.Supervised;
using DinoSharp.Models;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Commands;

/// <summary>dino finetune: trains a whole network on labelled images, from its weights or from none (arXiv 2104.14294, section 4.4).</summary>
internal sealed class FinetuneCommand
{
    private static readonly SupervisedOptions Published = new();

    private readonly LabelledSetOptions _sets = new();
    private readonly RunOptions _run = new(epochs: 100);
    private readonly Option<bool> _fromScratch = Flag(
        "--from-scratch", "takes only the network's shape from --weights and starts from new values: what pre-training has to beat");
    private readonly Option<OptimizerKind> _optimizer = Choice(
        "--optimizer", "optimizer", OptimizerKind.AdamW, ("adamw", OptimizerKind.AdamW), ("sgd", OptimizerKind.Sgd));
    private readonly Option<double> _lr = Value("--lr", "peak learning rate for a batch of 256; scaled with the batch size", 5e-4);
    private readonly Option<double> _minLr = Value("--min-lr", "learning rate at the end", 1e-6);
    private readonly Option<int?> _warmup = Maybe<int>(
        "--warmup-epochs", "epochs in which the learning rate rises; by default 10, or a tenth of the epochs if that is less");
    private readonly Option<double> _weightDecay = Value("--weight-decay", "weight decay", 0.05);
    private readonly Option<double> _clip = Value("--clip-grad", "largest norm of each parameter's gradient; 0 for none", 0.0);
    private readonly Option<int> _accumulation = Value(
        "--accumulation-steps", "parts a batch is cut into to save memory; the result is the same", 1);
    private readonly Option<double?> _layerDecay = Maybe<double>(
        "--layer-decay", "factor of the learning rate from each layer to the one below; by default 0.75, or 1 from scratch");
    private readonly Option<double> _dropPath = Value("--drop-path-rate", "stochastic depth of a transformer", 0.1, "--drop-path");
    private readonly Option<double> _smoothing = Value(
        "--label-smoothing", "share of a target that is spread over all classes", Published.LabelSmoothing, "--smoothing");
    private readonly Option<double> _mixup = Value("--mixup", "alpha of mixup; 0 for none", Published.MixupAlpha);
    private readonly Option<double> _cutmix = Value("--cutmix", "alpha of CutMix; 0 for none", Published.CutMixAlpha);
    private readonly Option<double> _erase = Value("--erase-probability", "chance that a part of a view is erased", Published.EraseProbability, "--reprob");
    private readonly Option<double> _jitter = Value("--color-jitter", "largest change of brightness, contrast and saturation", 0.0);
    private readonly Option<Interval> _scale = OptionFactory.Range(
        "--crops-scale", "part of the image's area in a crop", new RandomCropOptions().Scale);
    private readonly Option<double> _average = Value(
        "--average-momentum", "momentum of a moving average of the weights, which is then used; 0 for none, DeiT's is 0.99996",
        Published.AverageMomentum, "--model-ema-decay");
    private readonly WeightsOptions _weights = new();
    private readonly LoadingOptions _loading = new();
    private readonly ResultOptions _results = new();

    private FinetuneCommand() => Command = new GroupedCommand(
        "finetune",
        "train a network on labelled images, from pre-trained weights or from none",
        "dino finetune --data LABELLED --weights RUN --out FINETUNED",
        "The recipe is DeiT's: AdamW, mixup, CutMix, label smoothing, random erasing, stochastic depth.",
        new OptionGroup("Most used", [.. _sets.All, .. _weights.All, _fromScratch, .. _run.All]),
        new OptionGroup("Images", [.. _loading.All]),
        new OptionGroup("Optimization", _optimizer, _lr, _minLr, _warmup, _weightDecay, _layerDecay, _clip, _accumulation, _average),
        new OptionGroup("Regularization", _dropPath, _smoothing, _mixup, _cutmix, _erase, _jitter, _scale),
        new OptionGroup("Result", [.. _results.All]));

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
        var request = _run.Request(parsed, loading, device);
        using var sets = _sets.Open(parsed, terminal);
        using var pretrained = _weights.Load(parsed, device, terminal);
        var view = _loading.View(parsed, pretrained);
        var settings = Settings(parsed, loading.BatchSize, view.CropSize);

        using var signals = new StopSignals();
        var finetuning = new Finetuning(sets, view, loading.WithChannels(pretrained.InputChannels), settings, request, terminal);
        var (outcome, score) = finetuning.Run(pretrained, signals.Token);
        if (score is null)
        {
            terminal.Line($"stopped and saved in {request.Out}; the same command goes on from here");
            terminal.Result(new JsonObject { ["run"] = outcome.Folder.Path, ["finished"] = false });
            return 1;
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

    private FinetuneSettings Settings(ParseResult parsed, int batchSize, int side)
    {
        bool fromScratch = parsed.GetValue(_fromScratch);
        double weightDecay = parsed.GetValue(_weightDecay);
        var supervised = new SupervisedOptions
        {
            LabelSmoothing = parsed.GetValue(_smoothing),
            MixupAlpha = parsed.GetValue(_mixup),
            CutMixAlpha = parsed.GetValue(_cutmix),
            EraseProbability = parsed.GetValue(_erase),
            LayerDecay = parsed.GetValue(_layerDecay) ?? (fromScratch ? 1 : 0.75),
            AverageMomentum = parsed.GetValue(_average),
            Seed = _run.Seed(parsed),
        };
        supervised.Validate();
        return new FinetuneSettings
        {
            FromScratch = fromScratch,
            DropPathRate = parsed.GetValue(_dropPath),
            Supervised = supervised,
            Training = new TrainingOptions
            {
                Epochs = _run.Epochs(parsed),
                BatchSize = batchSize,
                AccumulationSteps = parsed.GetValue(_accumulation),
                Optimizer = parsed.GetValue(_optimizer),
                LearningRate = parsed.GetValue(_lr),
                MinLearningRate = parsed.GetValue(_minLr),
                WarmupEpochs = parsed.GetValue(_warmup),
                WeightDecay = weightDecay,
                WeightDecayEnd = weightDecay,
                ClipGradient = parsed.GetValue(_clip),
                Seed = _run.Seed(parsed),
            }.Validated(),
            Crop = new RandomCropOptions
            {
                Size = side,
                Scale = parsed.GetValue(_scale),
                Bicubic = true,
                ColorJitter = parsed.GetValue(_jitter),
            }.Validated(),
        };
    }

    private static string Percent(double value) => value.ToString("F2", CultureInfo.InvariantCulture);
}
