using System.CommandLine;
using System.Text.Json.Nodes;
using DinoSharp.Evaluation;
using DinoSharp.Evaluation.Report;

namespace DinoSharp.Cli.Commands;

/// <summary>dino report: what the protocols found out about a run, beside the published results.</summary>
internal sealed class ReportCommand
{
    private const string PageName = "report.html";

    private readonly Argument<string> _folder = new("run")
    {
        Description = "a run folder, whose protocols' results are in evaluations/; or a folder of results, as --results of a protocol named it",
    };

    private readonly Option<string?> _out = OptionFactory.Text(
        "--out", $"the page; by default {PageName} beside the results, unless only --markdown is given");
    private readonly Option<string?> _markdown = OptionFactory.Text("--markdown", "the tables as a Markdown file");

    public static Command Create()
    {
        var report = new ReportCommand();
        var command = new Command("report", "the results of a run beside the published ones, as a page and as Markdown")
        {
            report._folder, report._out, report._markdown,
        };
        command.SetAction(report.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        string folder = parsed.GetRequiredValue(_folder);
        string? markdown = parsed.GetValue(_markdown);
        string results = ResultsOf(folder);
        string? page = parsed.GetValue(_out) ?? (markdown is null ? Path.Combine(results, PageName) : null);
        var records = EvaluationRecord.ReadAll(results);
        if (records.Count == 0)
        {
            throw new EvaluationException($"{results}: holds no results; run dino knn or another protocol with --results {results} first");
        }

        ResultReport report = new($"Results of {Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)))}", results, records);
        if (page is not null)
        {
            string training = Path.Combine(folder, PageName);
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(page))!);
            report.SavePage(page, IsRun(folder) && File.Exists(training) ? training : null);
        }

        if (markdown is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(markdown))!);
            report.Markdown().Save(markdown);
        }

        foreach (var table in report.Sections.Where(section => section.Records.Count > 0).SelectMany(section => section.Tables))
        {
            terminal.Line(table.Caption);
            terminal.Table(table.Columns, table.Rows.Select(row => row.Cells));
        }

        string written = string.Join(", ", new[] { page, markdown }.Where(path => path is not null));
        terminal.Line($"{written}: {records.Count} results beside the published ones");
        terminal.Result(Json(report, page, markdown));
        return 0;
    }

    private static bool IsRun(string folder) => File.Exists(Path.Combine(folder, "run.json"));

    /// <summary>Where the results of a run are, or the folder itself.</summary>
    private static string ResultsOf(string folder)
    {
        string inRun = Path.Combine(folder, ResultOptions.FolderName);
        return Directory.Exists(inRun) ? inRun
            : IsRun(folder) ? throw new EvaluationException($"{folder}: nothing is measured of this run yet; run dino knn --weights {folder} first")
            : folder;
    }

    private static JsonObject Json(ResultReport report, string? page, string? markdown) => new()
    {
        ["page"] = page is null ? null : Path.GetFullPath(page),
        ["markdown"] = markdown is null ? null : Path.GetFullPath(markdown),
        ["sections"] = new JsonArray([.. report.Sections.Select(section => new JsonObject
        {
            ["title"] = section.Title,
            ["tables"] = new JsonArray([.. section.Tables.Select(table => new JsonObject
            {
                ["caption"] = table.Caption,
                ["columns"] = new JsonArray([.. table.Columns.Select(column => JsonValue.Create(column))]),
                ["rows"] = new JsonArray([.. table.Rows.Select(row => new JsonObject
                {
                    ["measured_here"] = row.Marked,
                    ["cells"] = new JsonArray([.. row.Cells.Select(cell => JsonValue.Create(cell))]),
                })]),
            })]),
        })]),
    };
}
