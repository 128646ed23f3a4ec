using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json.Nodes;
using DinoSharp.Data;
using DinoSharp.Evaluation;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Report;
using DinoSharp.Evaluation.Retrieval;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;

namespace DinoSharp.Cli.Retrieval;

/// <summary>A revisited benchmark on the command line: features, kept on the way, and what they score.</summary>
internal sealed class BenchmarkRetrieval(
    RevisitedBenchmark benchmark, string name, WholeImageFeatures features, LoaderOptions loading, Terminal terminal)
{
    /// <summary>In the order of the published tables.</summary>
    private static readonly (Difficulty Difficulty, string Letter)[] Difficulties =
        [(Difficulty.Medium, "M"), (Difficulty.Hard, "H"), (Difficulty.Easy, "E")];

    /// <summary>Whether queries are cut out of their images.</summary>
    public required bool CropQueries { get; init; }

    /// <summary>Does the work and tells its results.</summary>
    /// <param name="cache">folder that keeps the features; null keeps none</param>
    /// <param name="sheet">an .html to write; null for none</param>
    /// <param name="weights">what is evaluated</param>
    /// <param name="backbone">the network of it</param>
    /// <param name="keep">takes the record, before the sheet is drawn</param>
    public void Run(string? cache, string? sheet, string weights, Backbone backbone, Action<EvaluationRecord> keep)
    {
        if (sheet is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(sheet))!); // before hours of work
        }

        terminal.Line($"{name}: {Wording.Number(benchmark.Queries.Count)} queries, {Wording.Number(benchmark.Database.Count)} images");
        if (cache is null)
        {
            terminal.Line(FeatureWork.NotKept);
        }

        var queries = Table(benchmark.Queries, CropQueries ? "cropped-queries" : "queries", cache);
        var database = Table(benchmark.Database, "database", cache);
        var rankings = Rank(database, queries);
        var scores = Difficulties.Select(d => RevisitedScore.Of(benchmark.Truth.Queries, rankings, d.Difficulty)).ToList();

        string[] columns = ["", "mAP %", .. RevisitedScore.Ks.Select(k => $"mP@{k} %"), "queries"];
        terminal.Table(columns, Difficulties.Zip(scores, (d, s) => (string[])
        [
            d.Difficulty.ToString().ToLowerInvariant(), Percent(s.Map), .. s.MeanPrecisions.Select(Percent), Text(Scored(s)),
        ]));
        terminal.Result(Json(scores));
        keep(Record(scores, weights, backbone));
        if (sheet is not null)
        {
            RetrievalSheet.Write(sheet, name, benchmark, database, queries, rankings);
            terminal.Line($"{sheet}: queries and what was found for them");
        }
    }

    /// <summary>The part of a process beside the first, which has the features and tells the results.</summary>
    public void TakePart()
    {
        foreach (var source in new[] { benchmark.Queries, benchmark.Database })
        {
            var loader = Loader(source);
            features.TakePart(loader);
            RequireAll(loader);
        }

        Rank(null, null);
    }

    private IReadOnlyList<int[]> Rank(FeatureTable? database, FeatureTable? queries) =>
        RevisitedBenchmark.Rank(SharedRows.Deal(features.Group, database), SharedRows.Deal(features.Group, queries));

    private WholeImageLoader Loader(IImageSource source) => new(source, features.LongestSide, loading);

    private FeatureTable Table(IImageSource source, string part, string? cache)
    {
        var loader = Loader(source);
        return cache is null ? Table(loader, part) : Table(loader, part, cache);
    }

    private FeatureTable Table(WholeImageLoader loader, string part)
    {
        using var progress = new ImageProgress(terminal, part, loader.Source.Count);
        var table = features.Table(loader, progress.Show);
        progress.Finish();
        RequireAll(loader);
        return table;
    }

    private FeatureTable Table(WholeImageLoader loader, string part, string cache)
    {
        var source = loader.Source;
        string settings = features.SettingsWith(loader.Decoding);
        string hash = Convert.ToHexStringLower(XxHash32.Hash(Encoding.UTF8.GetBytes(settings)));
        using FeatureJournal journal = new(Path.Combine(cache, $"{name}-{part}-{hash}.features"), features.Dim, settings);
        int there = journal.Names.Count;
        terminal.Line(journal.BeganAnew ? $"{journal.Path}: held features of other weights or settings, or none; they are computed anew"
            : there > 0 ? $"{journal.Path}: {Wording.Number(there)} features are there from earlier work"
            : $"{journal.Path}: keeps the features; work that is cut off goes on from it");
        using var progress = new ImageProgress(terminal, part, source.Count, there);
        features.Extend(loader, journal, [], progress.Show);
        progress.Finish();
        RequireAll(loader);
        var table = journal.Table();
        return table.Names.SequenceEqual(Enumerable.Range(0, source.Count).Select(source.NameOf))
            ? table
            : throw new EvaluationException($"{journal.Path}: holds features of other images than {benchmark.Truth.Path} names; delete it");
    }

    private static void RequireAll(WholeImageLoader loader)
    {
        if (loader.Faults.Count > 0)
        {
            throw new ImageSourceException(loader.Source.Path, $"{loader.Faults.Faults[0].Reason}; the benchmark needs all of its images");
        }
    }

    private JsonObject Json(List<RevisitedScore> scores)
    {
        var result = new JsonObject
        {
            ["dataset"] = name,
            ["images"] = benchmark.Database.Count,
            ["queries"] = benchmark.Queries.Count,
            ["image_size"] = features.LongestSide,
            ["multiscale"] = features.MultiScale,
            ["crop_queries"] = CropQueries,
        };
        foreach (var (difficulty, score) in Difficulties.Zip(scores))
        {
            result[difficulty.Difficulty.ToString().ToLowerInvariant()] = new JsonObject
            {
                ["map"] = Number(score.Map),
                ["mean_precision"] = new JsonObject(
                    RevisitedScore.Ks.Zip(score.MeanPrecisions, (k, p) => KeyValuePair.Create(Text(k), Number(p)))),
                ["average_precisions"] = new JsonArray([.. score.AveragePrecisions.Select(Number)]),
            };
        }

        return result;
    }

    private EvaluationRecord Record(List<RevisitedScore> scores, string weights, Backbone backbone) => new()
    {
        Protocol = "retrieval",
        Data = name,
        DataPath = EvaluationRecord.PathOf([benchmark.Truth.Path]),
        Weights = weights,
        Network = BackboneCatalogue.Label(backbone),
        Setting = $"{features.LongestSide} pixels{(features.MultiScale ? ", three scales" : "")}{(CropQueries ? ", queries cut out" : "")}",
        Scores =
        [
            .. Difficulties.Zip(scores).Where(s => double.IsFinite(s.Second.Map))
                .Select(s => new Score($"mAP {s.First.Letter}", 100 * s.Second.Map)),
            .. Difficulties.Zip(scores).Where(s => double.IsFinite(s.Second.Map)).SelectMany(s => RevisitedScore.Ks.Zip(
                s.Second.MeanPrecisions, (k, p) => new Score($"mP@{k} {s.First.Letter}", 100 * p))),
        ],
    };

    private static int Scored(RevisitedScore score) => score.AveragePrecisions.Count(double.IsFinite);

    /// <summary>In percent; null where no query has a right answer.</summary>
    private static JsonNode? Number(double fraction) => double.IsFinite(fraction) ? 100 * fraction : null;

    private static string Percent(double fraction) =>
        double.IsFinite(fraction) ? (100 * fraction).ToString("F2", CultureInfo.InvariantCulture) : "-";

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
