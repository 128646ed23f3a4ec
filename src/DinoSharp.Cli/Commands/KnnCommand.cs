using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Neighbors;
using DinoSharp.Data;
using DinoSharp.Evaluation;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Knn;
using DinoSharp.Evaluation.Report;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;

namespace DinoSharp.Cli.Commands;

/// <summary>
/// dino knn: how well frozen features tell classes apart, by weighted k nearest neighbours (arXiv 2104.14294, 4.1); or, without labels, the
/// neighbours themselves, to be looked at.
/// </summary>
internal sealed class KnnCommand
{
    /// <summary>Side of the pictures whose pixels are the baseline: enough to be told apart, and few enough to compare.</summary>
    private const int RawPixelsSide = 32;

    /// <summary>That of the published tables (arXiv 2104.14294, 4.1).</summary>
    private const int PublishedK = 20;

    private static readonly KnnOptions Published = new();

    private readonly LabelledSetOptions _sets = new();
    private readonly Option<int[]> _ks = OptionFactory.Values(
        "--nb-knn", "numbers of neighbours that vote, each scored by itself", Published.Ks.ToArray());
    private readonly Option<double> _temperature = OptionFactory.Value(
        "--temperature", "temperature T of a vote's weight exp(similarity / T)", Published.Temperature);
    private readonly Option<bool> _rawPixels = OptionFactory.Flag(
        "--raw-pixels", $"scores the pixels of {RawPixelsSide} x {RawPixelsSide} views as a baseline; alone, or beside --weights");
    private readonly Option<int?> _neighbors = OptionFactory.Maybe<int>(
        "--neighbors", "needs no labels: instead of scores, writes so many neighbours of every image of --data to --out");
    private readonly Option<string?> _out = OptionFactory.Text(
        "--out", "with --neighbors: an .html with the neighbours of some images; a .csv of the same name gets those of all");
    private readonly Option<int> _seed = OptionFactory.Value("--seed", "with --neighbors: decides which images the .html shows", 0);
    private readonly WeightsOptions _weights = new();
    private readonly LoadingOptions _loading = new();
    private readonly ResultOptions _results = new();
    private readonly CacheOptions _cache = new();

    public static Command Create()
    {
        var knn = new KnnCommand();
        var command = new Command("knn", "score features on labelled images by their nearest neighbours");
        Option[] own = [.. knn._sets.All, knn._ks, knn._temperature, knn._rawPixels, knn._neighbors, knn._out, knn._seed];
        foreach (var option in own.Concat(knn._weights.All).Concat(knn._loading.All).Concat(knn._results.All).Concat(knn._cache.All))
        {
            command.Options.Add(option);
        }

        command.SetAction(knn.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        bool rawPixels = parsed.GetValue(_rawPixels);
        if (parsed.GetValue(_neighbors) is { } count)
        {
            return ShowNeighbors(parsed, count, terminal);
        }

        if (parsed.GetValue(_out) is not null)
        {
            throw new RequestException("--out is for the neighbours: give --neighbors too");
        }

        if (!_weights.Given(parsed) && !rawPixels)
        {
            throw new RequestException("--weights is missing: name what to score, or give --raw-pixels for the baseline alone");
        }

        var options = ReadOptions(parsed);
        var loading = _loading.Loader(parsed);
        var device = GlobalOptions.DeviceOf(parsed);
        using var sets = _sets.Open(parsed, terminal);
        TellLargeKs(sets, options, terminal);

        var result = new JsonObject
        {
            ["train"] = new JsonObject { ["path"] = sets.Train.Path, ["images"] = sets.Train.Count },
            ["test"] = new JsonObject { ["path"] = sets.Test.Path, ["images"] = sets.Test.Count },
            ["temperature"] = options.Temperature,
        };
        var rows = new List<string[]>();
        FeatureWork work = new(terminal, CacheOf(parsed));
        var faults = new SortedDictionary<string, Fault>(StringComparer.Ordinal);
        if (_weights.Given(parsed))
        {
            using var backbone = _weights.Load(parsed, device, terminal);
            result["weights"] = _weights.PathOf(parsed);
            var ofNetwork = loading.WithChannels(backbone.InputChannels);
            var view = _loading.View(parsed, backbone);
            var scores = Add("features", "scores", view, ofNetwork, FeatureFunction.Of(backbone), centred: false);
            _results.Keep(parsed, Record(scores, parsed, backbone, view), terminal);
        }

        if (rawPixels)
        {
            var rawView = _loading.View(parsed, RawPixelsSide);
            Add("raw pixels", "raw_pixels", rawView, loading, RawPixels.Function(rawView.CropSize), centred: true);
        }

        terminal.Table(["", "k", "top-1 %", "top-5 %"], rows);
        Wording.TellFaults(terminal, [.. faults.Values], sets.Train.Count + sets.Test.Count, "were left out");
        result["skipped"] = new JsonArray([.. faults.Values.Select(f => new JsonObject { ["name"] = f.Name, ["reason"] = f.Reason })]);
        terminal.Result(result);
        return 0;

        IReadOnlyList<KnnScore> Add(string name, string key, EvaluationRecipe view, LoaderOptions how, FeatureFunction features, bool centred)
        {
            EvaluationLoader trainLoader = new(sets.Train, view, how), testLoader = new(sets.Test, view, how);
            var train = work.Take(trainLoader, features, "train");
            var test = work.Take(testLoader, features, "test");
            if (centred)
            {
                RawPixels.Center(train.Rows, test.Rows);
            }

            result["image_size"] ??= view.CropSize; // of the network's features, where there are some
            var scores = KnnEvaluation.Score(train, test, options, device);
            rows.AddRange(scores.Select(s => new[] { name, Text(s.K), Percent(s.Top1), Percent(s.Top5) }));
            result[key] = new JsonArray([.. scores.Select(s => new JsonObject { ["k"] = s.K, ["top1"] = s.Top1, ["top5"] = s.Top5 })]);
            foreach (var (part, loader) in new[] { ("train", trainLoader), ("test", testLoader) })
            {
                foreach (var fault in loader.Faults.Faults)
                {
                    faults[$"{part}/{fault.Name}"] = fault; // once, though both kinds of features meet it
                }
            }

            return scores;
        }
    }

    private int ShowNeighbors(ParseResult parsed, int count, Terminal terminal)
    {
        if (_sets.DataOf(parsed) is not { } data || _sets.PathsOf(parsed).Count > 1 || parsed.GetValue(_rawPixels))
        {
            throw new RequestException("--neighbors goes with --data and --weights, not with --train, --test or --raw-pixels");
        }

        string path = parsed.GetValue(_out) ?? throw new RequestException("--out is missing: name an .html file for the neighbours");
        var request = new NeighborRequest(count, path, parsed.GetValue(_seed)).Validated();
        var loading = _loading.Loader(parsed);
        using var source = ImageSources.Open(data);
        Wording.TellNotices(terminal, source);
        using var backbone = _weights.Load(parsed, GlobalOptions.DeviceOf(parsed), terminal);
        var loader = new EvaluationLoader(source, _loading.View(parsed, backbone), loading.WithChannels(backbone.InputChannels));
        new NeighborReport(request, backbone, loader, loading.Decoding, new FeatureWork(terminal, CacheOf(parsed)), terminal).Run();
        return 0;
    }

    /// <summary>The published k first: it is the one to compare by.</summary>
    private EvaluationRecord Record(IReadOnlyList<KnnScore> scores, ParseResult parsed, Backbone backbone, EvaluationRecipe view) => new()
    {
        Protocol = "knn",
        Data = _sets.NameOf(parsed),
        DataPath = _sets.DataPathOf(parsed),
        Weights = _weights.PathOf(parsed),
        Network = BackboneCatalogue.Label(backbone),
        Setting = string.Create(
            CultureInfo.InvariantCulture, $"k = {FirstOf(scores).K}, T = {parsed.GetValue(_temperature)}, {view.CropSize} pixels"),
        Scores =
        [
            new Score("k-NN top-1", FirstOf(scores).Top1),
            new Score("k-NN top-5", FirstOf(scores).Top5),
            .. scores.Where(s => s != FirstOf(scores)).Select(s => new Score($"k-NN top-1, k = {s.K}", s.Top1)),
        ],
    };

    private static KnnScore FirstOf(IReadOnlyList<KnnScore> scores) => scores.FirstOrDefault(s => s.K == PublishedK) ?? scores[0];

    private KnnOptions ReadOptions(ParseResult parsed)
    {
        try
        {
            return new KnnOptions { Ks = parsed.GetValue(_ks)!, Temperature = parsed.GetValue(_temperature) }.Validated();
        }
        catch (EvaluationException error)
        {
            throw new RequestException(error.Message);
        }
    }

    private static void TellLargeKs(HeldOut sets, KnnOptions options, Terminal terminal)
    {
        if (options.Ks.Where(k => k > sets.Train.Count).ToArray() is { Length: > 0 } large)
        {
            terminal.Line($"k of {string.Join(", ", large)}: there are fewer train images, so all of them vote");
        }
    }

    private string? CacheOf(ParseResult parsed) =>
        _cache.FolderOf(parsed, _weights.Given(parsed) ? _results.FolderOf(parsed, _weights.PathOf(parsed)) : null);

    private static string Percent(double value) => value.ToString("F2", CultureInfo.InvariantCulture);

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
