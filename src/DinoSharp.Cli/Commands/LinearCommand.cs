using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Classification;
using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Evaluation.Report;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;

namespace DinoSharp.Cli.Commands;

/// <summary>dino linear: linear classifiers on frozen features (arXiv 2104.14294, section 4.1 and appendix F.2).</summary>
internal sealed class LinearCommand
{
    private const int PublishedEpochs = 100;
    private const int PublishedBatchSize = 128;

    private readonly LabelledSetOptions _sets = new();
    private readonly RunOptions _run = new(PublishedEpochs);
    private readonly Option<double[]> _rates = OptionFactory.Values(
        "--lr", "learning rates for a batch of 256, scaled with the batch size; one classifier each, all in one pass", LinearSettings.UsualRates);
    private readonly Option<int?> _lastBlocks = OptionFactory.Maybe<int>(
        "--n-last-blocks", "last blocks whose class tokens are taken; by default as published: 4, or 1 for tokens of 768 values and more");
    private readonly Option<bool?> _average = OptionFactory.Maybe<bool>(
        "--avgpool-patchtokens", "whether the mean of the patch tokens is added; by default for tokens of 768 values and more");
    private readonly Option<Interval> _scale = OptionFactory.Range(
        "--crops-scale", "part of the image's area in a crop", new RandomCropOptions().Scale);
    private readonly Option<bool> _cached = OptionFactory.Flag(
        "--cached", "a quick answer: features are taken once, of middle crops, and not of random crops in each epoch");
    private readonly WeightsOptions _weights = new();
    private readonly LoadingOptions _loading = new(PublishedBatchSize);
    private readonly ResultOptions _results = new();
    private readonly CacheOptions _cache = new();

    public static Command Create()
    {
        var linear = new LinearCommand();
        var command = new Command("linear", "train linear classifiers on frozen features, and score them");
        Option[] own = [linear._rates, linear._cached, linear._lastBlocks, linear._average, linear._scale];
        foreach (var option in linear._sets.All.Concat(linear._run.All).Concat(own)
            .Concat(linear._weights.All).Concat(linear._loading.All).Concat(linear._results.All).Concat(linear._cache.All))
        {
            command.Options.Add(option);
        }

        command.SetAction(linear.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        if (parsed.GetValue(_cached))
        {
            parsed.Refuse("is for random crops: leave it out with --cached, which takes middle crops", [_scale]);
        }

        string weights = _weights.PathOf(parsed);
        var loading = _loading.Loader(parsed);
        var device = GlobalOptions.DeviceOf(parsed);
        var request = _run.Request(parsed, loading, device);
        string? cache = CacheOf(parsed, weights, request.Out);
        using var sets = _sets.Open(parsed, terminal);
        using var backbone = _weights.Load(parsed, device, terminal);
        var view = _loading.View(parsed, backbone);
        var settings = Settings(parsed, backbone, view, loading.BatchSize);
        terminal.Line(Describe(settings, backbone));

        using var signals = new StopSignals();
        using var evaluation = new LinearEvaluation(backbone, sets, view, loading, settings, request, new FeatureWork(terminal, cache), terminal);
        var result = evaluation.Run(signals.Token);
        bool finished = Ranks.Group.FirstSays(result?.Outcome.Finished == true); // and signals are for all processes until the first has saved
        if (!Ranks.Group.IsFirst || result is not var (outcome, scores))
        {
            return finished ? 0 : StopSignals.ExitCode;
        }

        if (!finished)
        {
            terminal.Line($"stopped and saved in {request.Out}; the same command goes on from here");
            terminal.Result(new JsonObject { ["run"] = outcome.Folder.Path, ["finished"] = false });
            return StopSignals.ExitCode;
        }

        int best = scores.Index().MaxBy(pair => pair.Item.Top1).Index;
        string classifier = LinearEvaluation.PathOf(outcome.Folder);
        terminal.Table(
            ["learning rate", "top-1 %", "top-5 %", ""],
            scores.Select((score, i) => new[] { Text(settings.Rates[i]), Percent(score.Top1), Percent(score.Top5), i == best ? "best" : "" }));
        Wording.TellFaults(terminal, evaluation.TestFaults.Faults, sets.Test.Count, "were left out");
        terminal.Line($"{classifier}: the classifier of learning rate {Text(settings.Rates[best])}; \"dino predict\" uses it");
        _results.Keep(
            parsed,
            new EvaluationRecord
            {
                Protocol = "linear",
                Data = _sets.NameOf(parsed),
                DataPath = _sets.DataPathOf(parsed),
                Weights = weights,
                Network = BackboneCatalogue.Label(backbone),
                Setting = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{settings.Training.Epochs} epochs, {view.CropSize} pixels, learning rate {settings.Rates[best]}{(settings.Cached ? ", cached" : "")}"),
                Scores = [new Score("top-1", scores[best].Top1), new Score("top-5", scores[best].Top5)],
            },
            terminal);
        terminal.Result(new JsonObject
        {
            ["run"] = outcome.Folder.Path,
            ["finished"] = true,
            ["classifier"] = classifier,
            ["cached"] = settings.Cached,
            ["images"] = scores[best].Images,
            ["best"] = Json(settings.Rates[best], scores[best].Top1, scores[best].Top5),
            ["rates"] = new JsonArray([.. scores.Select((score, i) => Json(settings.Rates[i], score.Top1, score.Top5))]),
        });
        return 0;
    }

    /// <summary>The folder that keeps features; it cannot be in the run folder, which is made once they are taken.</summary>
    private string? CacheOf(ParseResult parsed, string weights, string run)
    {
        bool given = _cache.Given(parsed);
        if (given && !parsed.GetValue(_cached))
        {
            throw new RequestException("--cache is for --cached: without it features are of random crops, others in each epoch");
        }

        string? cache = _cache.FolderOf(parsed, _results.FolderOf(parsed, weights));
        if (cache is null || !Inside(run, cache))
        {
            return cache;
        }

        return given ? throw new RequestException($"--cache {cache}: lies in the run folder that --out names; name a folder elsewhere") : null;

        static bool Inside(string folder, string path) => (Path.GetFullPath(path) + Path.DirectorySeparatorChar).StartsWith(
            Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    private LinearSettings Settings(ParseResult parsed, Backbone backbone, EvaluationRecipe view, int batchSize)
    {
        double[] rates = [.. parsed.GetValue(_rates)!.Distinct()];
        if (rates.Length == 0 || rates.Any(rate => !(rate > 0 && double.IsFinite(rate))))
        {
            throw new RequestException("--lr names learning rates above 0");
        }

        var published = ProbeFeatures.Published(backbone);
        bool average = parsed.GetValue(_average) ?? (parsed.GetValue(_lastBlocks) is null or 1 && published.AveragePatches);
        return new LinearSettings
        {
            Rates = rates,
            Features = new ProbeFeatures(parsed.GetValue(_lastBlocks) ?? (average ? 1 : published.LastBlocks), average),
            Cached = parsed.GetValue(_cached),
            Training = LinearSettings.Schedule(rates, _run.Epochs(parsed), batchSize, _run.Seed(parsed)),
            Crop = new RandomCropOptions { Size = view.CropSize, Scale = parsed.GetValue(_scale) },
        };
    }

    private static string Describe(LinearSettings settings, Backbone backbone)
    {
        string features = backbone is ResNet ? "pooled maps"
            : backbone is not VisionTransformer ? "the class token"
            : settings.Features.AveragePatches ? "class token and mean of the patch tokens of the last block"
            : $"class tokens of the last {settings.Features.LastBlocks} blocks";
        string cached = settings.Cached
            ? "; cached: features of middle crops, taken once. The published protocol trains on random crops, without --cached, and scores otherwise"
            : "";
        return $"features: {settings.Features.DimOf(backbone)} values, {features}{cached}";
    }

    private static JsonObject Json(double rate, double top1, double top5) => new() { ["lr"] = rate, ["top1"] = top1, ["top5"] = top5 };

    private static string Percent(double value) => value.ToString("F2", CultureInfo.InvariantCulture);

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
