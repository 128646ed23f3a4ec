using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Checkpoints;
using DinoSharp.Evaluation.Attention.Segmentation;
using DinoSharp.Evaluation.Report;
using DinoSharp.Imaging;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;

namespace DinoSharp.Cli.Attention;

/// <summary>Measures how well attention segments annotated pictures (arXiv 2104.14294, figure 4), and tells it.</summary>
/// <param name="network">whose attention</param>
/// <param name="images">the annotated pictures</param>
/// <param name="options">how masks are made of it</param>
/// <param name="decoding">how pictures are read</param>
/// <param name="terminal">told how far it is, and what came out</param>
internal sealed class AttentionMeasure(
    VisionTransformer network,
    IReadOnlyList<AnnotatedImage> images,
    SegmentationOptions options,
    DecodeOptions decoding,
    Terminal terminal)
{
    private const int Examples = 4;

    /// <summary>Measures all images, or those that were not measured before.</summary>
    /// <param name="logPath">where what is measured is kept; null keeps nothing</param>
    /// <param name="data">the folders of the images</param>
    public SegmentationScore Run(string? logPath, IReadOnlyList<string> data)
    {
        using var log = logPath is null ? null : JaccardLog.Open(logPath, network, options, decoding, data);
        int before = images.Count(image => log?.Find(image.Name) is not null);
        if (before > 0)
        {
            terminal.Line($"{logPath}: goes on after {Wording.Number(before)} of {Wording.Number(images.Count)} images");
        }

        using var progress = new ImageProgress(terminal, "attention", images.Count, before);
        var score = AttentionSegmentation.Evaluate(network, images, options, decoding, log, progress.Show);
        progress.Finish();
        terminal.Table(
            ["masks of", "Jaccard %"],
            [
                ["the best head for each object", Text(score.BestHead)],
                ["the heads, in the mean", Text(score.MeanOfHeads)],
                ["the mean of the heads' maps", Text(score.MeanMap)],
                .. score.Heads.Index().Select(head => new[] { $"head {head.Index}", Text(head.Item) }),
            ]);
        string without = score.Judged < score.Images ? $"; {Wording.Number(score.Images - score.Judged)} images without one have no part" : "";
        terminal.Line($"{Wording.Number(score.Objects)} objects on {Wording.Number(score.Judged)} images{without}");
        return score;
    }

    /// <summary>Draws some of the images, as the measure sees them, beside each other in the list.</summary>
    /// <param name="folder">made if it is not there</param>
    /// <param name="prefix">what the files' names begin with</param>
    /// <returns>file names, and what they show</returns>
    public IReadOnlyDictionary<string, string> DrawExamples(string folder, string prefix)
    {
        Directory.CreateDirectory(folder);
        var pictures = new Dictionary<string, string>();
        int count = Math.Min(Examples, images.Count);
        var names = new OutputNames();
        for (int i = 0; i < count; i++)
        {
            var image = images[i * images.Count / count];
            using var picture = image.LoadPicture(decoding);
            var labels = image.LoadLabels(picture);
            using var shown = ImagePreview.Of(picture);
            var heads = AttentionSegmentation.Maps(network, picture, image.ImagePath, options);
            using var sheet = SegmentationSheet.Draw(shown, labels, heads, options.Mass);
            string name = $"{prefix}{names.Next(image.Name.Replace('/', '-'))}.png";
            AtomicFile.Write(Path.Combine(folder, name), stream => stream.Write(PngWriter.Encode(sheet)));
            pictures[name] = $"{image.Name}: the annotated objects, and for each the mask of the head that fits it best";
        }

        return pictures;
    }

    /// <summary>The score as it is kept for reports.</summary>
    /// <param name="score">of all images</param>
    /// <param name="data">what a person would call the images, and their folders</param>
    /// <param name="weights">whose attention it is: a path</param>
    public EvaluationRecord Record(SegmentationScore score, (string Name, IReadOnlyList<string> Folders) data, string weights) => new()
    {
        Protocol = "attention",
        Data = data.Name,
        DataPath = EvaluationRecord.PathOf(data.Folders),
        Weights = weights,
        Network = BackboneCatalogue.Label(network),
        Setting = string.Create(
            CultureInfo.InvariantCulture, $"masks of {options.Mass * 100:0.##} % of the attention, {options.Width} x {options.Height} pixels"),
        Scores =
        [
            new Score("Jaccard", 100 * score.BestHead),
            new Score("Jaccard, mean of heads", 100 * score.MeanOfHeads),
            new Score("Jaccard, mean map", 100 * score.MeanMap),
        ],
    };

    /// <summary>The score for programs; similarities in percent.</summary>
    public JsonObject Json(SegmentationScore score, EvaluationRecord record) => new()
    {
        ["data"] = record.Data,
        ["weights"] = record.Weights,
        ["threshold"] = options.Mass,
        ["image_size"] = new JsonArray(options.Height, options.Width),
        ["images"] = score.Images,
        ["images_with_objects"] = score.Judged,
        ["objects"] = score.Objects,
        ["jaccard"] = 100 * score.BestHead,
        ["jaccard_mean_of_heads"] = 100 * score.MeanOfHeads,
        ["jaccard_mean_map"] = 100 * score.MeanMap,
        ["jaccard_by_head"] = new JsonArray([.. score.Heads.Select(head => JsonValue.Create(100 * head))]),
    };

    private static string Text(double share) => (100 * share).ToString("F2", CultureInfo.InvariantCulture);
}
