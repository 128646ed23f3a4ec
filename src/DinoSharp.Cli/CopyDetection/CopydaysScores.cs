using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Data;
using DinoSharp.Evaluation.CopyDetection;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Report;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;

namespace DinoSharp.Cli.CopyDetection;

/// <summary>The published protocol on Copydays.</summary>
/// <param name="work">takes the features</param>
/// <param name="whitening">null for none</param>
/// <param name="set">the originals and their copies</param>
/// <param name="distractors">null for none</param>
internal sealed class CopydaysScores(CopyWork work, Whitening? whitening, CopydaysSet set, IImageSource? distractors)
{
    private const string DataName = "Copydays";

    /// <summary>Computes and tells the scores.</summary>
    /// <param name="given">what the command line says</param>
    /// <param name="backbone">what is scored</param>
    /// <param name="keep">takes the record of it</param>
    /// <returns>the result for programs</returns>
    public JsonObject Tell((string Data, string Weights, int Side) given, Backbone backbone, Action<EvaluationRecord> keep)
    {
        TellSet();
        var originals = work.Features(set.Originals, "original", complete: true);
        var others = distractors is null ? null : work.Features(distractors, "distractors");
        List<SharedRows> database = [Rows(originals)]; // the originals come first: rows are their numbers
        if (others is not null)
        {
            database.Add(Rows(others));
        }

        List<(string Name, int Queries, double Map)> scores = [];
        foreach (var block in set.Blocks)
        {
            var found = CopyDetectionEvaluation.Search(Rows(work.Features(block.Images, block.Name, complete: true)), database, work.Device);
            scores.Add((block.Name, block.Images.Count, 100 * CopyDetectionEvaluation.MeanAveragePrecision(found, block.Originals)));
        }

        work.Terminal.Table(
            ["", "queries", "mAP %"],
            scores.Select(s => new[] { s.Name, Wording.Number(s.Queries), s.Map.ToString("F2", CultureInfo.InvariantCulture) }));
        keep(new EvaluationRecord
        {
            Protocol = "copy-detection",
            Data = NameOf(given.Data, others),
            DataPath = EvaluationRecord.PathOf([given.Data]),
            Weights = given.Weights,
            Network = BackboneCatalogue.Label(backbone),
            Setting = $"{given.Side}², {CopyFeatures.DimOf(backbone)} dimensions, {Wording.Number(others?.Features.Rows.Count ?? 0)} distractors, "
                + (whitening is null ? "not whitened" : "whitened"),
            Scores = [.. scores.Select(s => new Score(s.Name == CopydaysSet.Strong ? "mAP" : $"mAP {s.Name}", s.Map))],
        });
        return new JsonObject
        {
            ["data"] = given.Data,
            ["weights"] = given.Weights,
            ["originals"] = set.Originals.Count,
            ["distractors"] = others?.Features.Rows.Count ?? 0,
            ["whitened"] = whitening is not null,
            ["image_size"] = given.Side,
            ["dim"] = CopyFeatures.DimOf(backbone),
            ["map"] = scores[0].Map,
            ["blocks"] = new JsonArray(
                [.. scores.Select(s => new JsonObject { ["name"] = s.Name, ["queries"] = s.Queries, ["map"] = s.Map })]),
            ["skipped"] = new JsonArray([.. work.Faults.Select(f => new JsonObject { ["name"] = f.Name, ["reason"] = f.Reason })]),
        };
    }

    private SharedRows Rows(ImageFeatures features) => CopyDescriptors.Of(features.Features.Rows, whitening, work.Device);

    /// <summary>Says what in the set keeps figures from being compared with the published ones.</summary>
    private void TellSet()
    {
        if (set.Uncopied.Count > 0)
        {
            work.Terminal.Line($"{Wording.Number(set.Uncopied.Count)} of {Wording.Number(set.Originals.Count)} originals have no strong copy and are "
                + $"distractors only, {set.Uncopied[0]} for one");
        }

        if (distractors is null)
        {
            work.Terminal.Line("no --distractors-path: searched among the originals alone; the published figures are among 10,000 other images");
        }

        if (whitening is null)
        {
            work.Terminal.Line("no --whitening-path: features are not whitened; those of the published figures are, as 20,000 other images have it");
        }
    }

    /// <summary>The public set by its name, with what is missing for its figures to be compared; any other by its folder's.</summary>
    private string NameOf(string data, ImageFeatures? others)
    {
        string name = set.IsWhole
            ? DataName
            : $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(data)))}, {set.Originals.Count} originals";
        return name + (others is null ? ", no distractors" : "") + (whitening is null ? ", not whitened" : "");
    }
}
