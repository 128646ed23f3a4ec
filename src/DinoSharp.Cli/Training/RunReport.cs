using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Data;
using DinoSharp.Evaluation.Attention;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Neighbors;
using DinoSharp.Evaluation.Report;
using DinoSharp.Imaging;
using DinoSharp.Models.Backbones;
using DinoSharp.Training.Runs;
using TorchSharp;

namespace DinoSharp.Cli.Training;

/// <summary>What a training did and what its backbone sees, as one page: the run folder's report.html.</summary>
/// <param name="title">of the page</param>
/// <param name="backbone">as trained, on any device</param>
/// <param name="loading">how pictures are loaded</param>
internal sealed class RunReport(string title, Backbone backbone, LoaderOptions loading)
{
    private const int Examples = 6;
    private const int NeighborsShown = 6;

    /// <summary>Of a large set only so many images, evenly spread, are searched for neighbours.</summary>
    private const int Searched = 2000;

    private static readonly (string Name, string Title)[] Curves =
    [
        ("loss", "loss"), ("teacher_entropy", "entropy of the teacher"), ("kl", "divergence of the student from the teacher (KL)"),
    ];

    /// <summary>Writes the page.</summary>
    /// <param name="path">of the file</param>
    /// <param name="metricsFile">the run's metrics.jsonl</param>
    /// <param name="scores">k-NN of this backbone and others, where there are labels</param>
    /// <param name="searched">pictures to search for neighbours, and how they are shown to the backbone</param>
    /// <param name="looked">pictures to show the attention in, and how they are shown to the backbone</param>
    public void Write(
        string path,
        string metricsFile,
        IReadOnlyList<KeyFigure> scores,
        (IImageSource Images, EvaluationRecipe Recipe) searched,
        (IImageSource Images, EvaluationRecipe Recipe) looked)
    {
        var report = new HtmlReport(title);
        if (scores.Count > 0)
        {
            report.Heading("What was learned")
                .Paragraph("Each test image is given the class that its 20 nearest training images vote for, by their features. No label was "
                    + "used to train.")
                .Table("k-NN top-1", scores);
        }

        AddCurves(report, metricsFile);
        AddNeighbors(report, searched.Images, searched.Recipe);
        if (backbone is VisionTransformer transformer)
        {
            AddAttention(report, looked.Images, looked.Recipe, transformer);
        }

        report.Save(path);
    }

    private static void AddCurves(HtmlReport report, string metricsFile)
    {
        var lines = MetricsLog.Read(metricsFile).ToList();
        var series = Curves.Select(curve => new ChartSeries(
            curve.Title,
            [.. lines.Where(l => l.ContainsKey(curve.Name)).Select(l => (Number(l, "step"), Number(l, curve.Name)))]));
        report.Heading("How it was learned");
        if (lines.Any(line => line.ContainsKey("kl")))
        {
            report
                .Paragraph("The loss is the teacher's entropy and the student's divergence from it together. A divergence of nothing, with an "
                    + "entropy of nothing or of the logarithm of the number of outputs, would be collapse.")
                .Chart(new LineChart("Loss, teacher entropy and divergence", "step", "nats", [.. series.Where(s => s.Points.Count > 0)]));
        }
        else
        {
            report.Chart(new LineChart("Loss", "step", "loss", [.. series.Where(s => s.Points.Count > 0)]));
        }

        ChartSeries knn = new(
            "k-NN top-1",
            [.. lines.Where(l => l.ContainsKey(OnlineKnn.ScoreName))
                .Select(l => (Number(l, "epoch") + 1, Number(l, OnlineKnn.ScoreName)))]);
        if (knn.Points.Count > 1)
        {
            report.Chart(new LineChart("k-NN top-1 during training", "epoch", "%", [knn]));
        }

        AddSpeed(report, lines);
    }

    private static void AddSpeed(HtmlReport report, List<JsonObject> lines)
    {
        if (Median("images_per_second") is not { } rate)
        {
            return;
        }

        string speed = string.Create(
            CultureInfo.InvariantCulture, $"{rate:G3} images a second; {Median("loader_wait_share"):P0} of the time went in waiting for images");
        string exchange = Median("exchanged_bytes_per_step") is { } bytes
            ? string.Create(
                CultureInfo.InvariantCulture, $", {Median("rank_wait_share"):P0} in waiting for other processes, from which each had {bytes / 1e6:F1} MB a step")
            : "";
        report.Paragraph($"{speed}{exchange} (medians of the logged steps).");

        double? Median(string name)
        {
            double[] values = [.. lines.Where(line => line.ContainsKey(name)).Select(line => Number(line, name)).Order()];
            return values.Length > 0 ? values[values.Length / 2] : null;
        }
    }

    private void AddNeighbors(HtmlReport report, IImageSource images, EvaluationRecipe recipe)
    {
        using var shown = new SubsetSource(images, Spread(images.Count, Searched));
        var table = FeatureExtractor.Table(backbone, new EvaluationLoader(shown, recipe, loading));
        if (table.Rows < 2)
        {
            return;
        }

        var indexOf = new Dictionary<string, int>();
        for (int i = 0; i < shown.Count; i++)
        {
            indexOf[shown.NameOf(i)] = i; // a list may name a picture twice
        }

        long[] queries = [.. Spread(table.Rows, Examples).Select(i => (long)i)];
        using var search = new NearestNeighbors(table, backbone.parameters().First().device);
        report.Heading("Nearest neighbours")
            .Paragraph("An image, and those whose features are most like its own (cosine).");
        foreach (var (query, neighbors) in queries.Zip(search.Of(queries, NeighborsShown)))
        {
            (int Row, string Caption)[] row =
            [
                ((int)query, CaptionOf(table, (int)query)),
                .. neighbors.Select(n => (
                    n.Index, string.Create(CultureInfo.InvariantCulture, $"{CaptionOf(table, n.Index)} {n.Similarity:F2}"))),
            ];
            var pictures = row.Select(r => (Image: View(shown, indexOf[table.Names[r.Row]], recipe), r.Caption)).ToList();
            report.ImageRow(pictures);
            pictures.ForEach(p => p.Image.Dispose());
        }
    }

    private void AddAttention(HtmlReport report, IImageSource images, EvaluationRecipe recipe, VisionTransformer transformer)
    {
        report.Heading("Attention")
            .Paragraph("What the class token attends to in the last block: the image, the mean of the heads, the part that holds 60 % of the "
                + "mean, and each head.");
        var faults = new FaultLog();
        foreach (int index in Spread(images.Count, Examples))
        {
            using var image = faults.TryLoad(images, index, loading.Decoding);
            if (image is null)
            {
                continue;
            }

            using var view = recipe.Make(image);
            using var shown = ImagePreview.Of(view);
            using var scope = torch.NewDisposeScope();
            var pixels = torch.tensor(view.Pixels.ToArray(), [1, view.Height, view.Width, view.Channels]); // [1, H, W, C]
            var heads = AttentionMaps.Of(
                transformer, PixelNormalization.For(view.Channels).Apply(pixels, transformer.parameters().First().device), images.NameOf(index));
            var mean = AttentionMaps.Mean(heads);
            List<(PixelImage Image, string Caption)> row =
            [
                (mean.Heatmap(), "mean"), (mean.Overlay(shown), "60 %"),
                .. heads.Index().Select(h => (h.Item.Heatmap(), $"head {h.Index + 1}")),
            ];
            report.ImageRow(row.Prepend((shown, "image")));
            row.ForEach(r => r.Image.Dispose());
        }
    }

    private PixelImage View(SubsetSource source, int index, EvaluationRecipe recipe)
    {
        using var image = source.Load(index, loading.Decoding);
        using var view = recipe.Make(image);
        return ImagePreview.Of(view);
    }

    /// <summary>A value that was not finite stands as null, and leaves a gap.</summary>
    private static double Number(JsonObject line, string name) => (double?)line[name] ?? double.NaN;

    private static string CaptionOf(FeatureTable table, int row) => table.Labels.Length > 0 && table.Labels[row] >= 0
        ? table.Classes[(int)table.Labels[row]]
        : Path.GetFileName(table.Names[row]);

    /// <summary>At most so many of the numbers below <paramref name="count"/>, each in the middle of its even share.</summary>
    private static int[] Spread(int count, int most)
    {
        int chosen = Math.Min(count, most);
        return [.. Enumerable.Range(0, chosen).Select(i => (int)((2L * i + 1) * count / (2L * chosen)))];
    }
}
