using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Training;
using DinoSharp.Evaluation.Report;
using DinoSharp.Methods;
using DinoSharp.Training.Runs;

namespace DinoSharp.Cli.Compare;

/// <summary>The table of a comparison, and the page with its curves.</summary>
/// <param name="plan">what was compared</param>
/// <param name="results">of it</param>
internal sealed class ComparisonPage(ComparisonPlan plan, IReadOnlyList<ComparisonResult> results)
{
    /// <summary>The columns of the paper's table of methods, and how long each trained.</summary>
    public ReportTable Table { get; } = new(
        "Top-1 in percent: k-NN (k = 20), and a linear classifier on cached features",
        ["method", "network", "parameters, M", "epochs", "im/s", "linear", "k-NN", "remark"],
        [.. results.Select(result => new ReportRow(Cells(result, results)))]);

    /// <summary>Writes the page.</summary>
    public void Save(string path)
    {
        var report = new HtmlReport($"Methods compared on {Path.GetFileName(Path.TrimEndingDirectorySeparator(plan.Data))}");
        string budget = plan.Minutes is { } minutes
            ? string.Create(CultureInfo.InvariantCulture, $"{minutes:0.##} minutes of training each, whole epochs, evaluations not counted")
            : string.Create(CultureInfo.InvariantCulture, $"{plan.Steps:#,0} steps of training each, whole epochs");
        report.Paragraph($"Same images, same budget: {budget}.").Table(Table);
        foreach (string network in plan.Networks)
        {
            var lines = plan.Methods
                .Select(method => (MethodCatalogue.Named(method).Title, Lines: Metrics(method, network)))
                .Where(run => run.Lines.Count > 0)
                .ToList();
            report.Heading(results.FirstOrDefault(r => plan.Networks.Count == 1 || Matches(r, network))?.Network ?? network);
            Chart(report, "k-NN top-1 during the training", "part of the training, %", "%", lines, OnlineKnn.ScoreName);
            foreach (var run in lines)
            {
                Chart(report, $"{run.Title}: loss", "part of the training, %", "loss", [run], "loss");
            }
        }

        report.Heading("Commands");
        foreach (var result in results.Where(result => result.Command.Length > 0))
        {
            report.Paragraph(result.Command);
        }

        report.Save(path);
    }

    private static string[] Cells(ComparisonResult result, IReadOnlyList<ComparisonResult> all)
    {
        var untrained = all.FirstOrDefault(r => r.Method == ComparisonResult.Untrained && r.Network == result.Network);
        string remark = result.Diagnosis ?? (untrained is null || result == untrained ? "" : result.Knn <= untrained.Knn ? "not above untrained" : "");
        bool trained = result.Epochs > 0;
        return
        [
            result.Method,
            result.Network,
            Number(result.Parameters / 1e6, "F2"),
            trained ? Number(result.Epochs, "F0") : "–",
            trained ? Number(result.ImagesPerSecond, "F0") : "–",
            Number(result.Linear, "F2"),
            Number(result.Knn, "F2"),
            remark,
        ];
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private bool Matches(ComparisonResult result, string network) =>
        ComparisonResult.Read(plan.FolderOf(ComparisonResult.Untrained, network))?.Network == result.Network;

    private List<JsonObject> Metrics(string method, string network)
    {
        string path = Path.Combine(plan.FolderOf(method, network), "metrics.jsonl");
        return File.Exists(path) ? [.. MetricsLog.Read(path)] : [];
    }

    private static void Chart(
        HtmlReport report, string title, string across, string up, IReadOnlyList<(string Title, List<JsonObject> Lines)> runs, string metric)
    {
        List<ChartSeries> series = [];
        foreach (var (name, lines) in runs)
        {
            double last = lines.Max(line => (double)line["step"]!);
            series.Add(new ChartSeries(
                name, [.. lines.Where(line => line.ContainsKey(metric)).Select(line => ((double)line["step"]! * 100 / last, (double)line[metric]!))]));
        }

        if (series.Any(s => s.Points.Count > 1))
        {
            report.Chart(new LineChart(title, across, up, series));
        }
    }
}
