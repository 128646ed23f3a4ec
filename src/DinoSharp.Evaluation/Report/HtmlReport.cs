using System.Globalization;
using System.Text;
using DinoSharp.Checkpoints;
using DinoSharp.Imaging;
using static System.Net.WebUtility;

namespace DinoSharp.Evaluation.Report;

/// <summary>A number worth reading.</summary>
/// <param name="Name">what it is</param>
/// <param name="Value">the number</param>
/// <param name="Unit">what stands behind it</param>
/// <param name="Full">the value that fills the bar beside it; without one there is no bar</param>
public sealed record KeyFigure(string Name, double Value, string Unit = "", double? Full = null);

/// <summary>
/// A report as one HTML file that needs nothing else, no network either: styles, charts and pictures are in it. All text is escaped.
/// The parts stand in the order they are added.
/// </summary>
public sealed class HtmlReport
{
    private const string Style = """
        :root { color-scheme: light dark; --ground: #fff; --text: #1c2128; --quiet: #5b6570; --line: #dde2e7; --bar: #3b82c4;
          --marked: #e6f0fa; }
        @media (prefers-color-scheme: dark) {
          :root { --ground: #14181d; --text: #e4e8ec; --quiet: #98a2ad; --line: #2c333b; --bar: #4f93d2;
            --marked: #1d2f42; }
        }
        body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 4rem; background: var(--ground); color: var(--text);
          font: 16px/1.55 system-ui, sans-serif; }
        a { color: var(--bar); }
        h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 1rem; }
        h2 { font-size: 1.25rem; margin: 2.5rem 0 0.75rem; }
        p { max-width: 42rem; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        caption, figcaption { color: var(--quiet); font-size: 0.875rem; }
        caption { text-align: left; padding-bottom: 0.4rem; }
        th, td { border-bottom: 1px solid var(--line); padding: 0.4rem 0.75rem 0.4rem 0; text-align: left; font-weight: normal; }
        .number { text-align: right; white-space: nowrap; }
        .scroll { overflow-x: auto; margin: 1rem 0 1.5rem; font-size: 0.9375rem; }
        td.short { white-space: nowrap; }
        tr.head th { color: var(--quiet); white-space: nowrap; }
        tr.marked td { background: var(--marked); font-weight: 600; }
        td.bar { width: 50%; }
        td.bar div { background: var(--bar); border-radius: 2px; height: 0.7rem; }
        svg.chart { display: block; width: 100%; height: auto; margin: 1rem 0; }
        .images { display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); gap: 1rem; }
        .row { display: flex; gap: 0.5rem; margin-bottom: 0.75rem; }
        .row figure { flex: 1 1 0; min-width: 0; max-width: 9rem; }
        figure { margin: 0; }
        figure img { display: block; width: 100%; height: auto; border-radius: 4px; }
        .wide { margin: 1rem 0; }
        .wide img { width: auto; max-width: 100%; }
        figcaption { overflow-wrap: anywhere; padding-top: 0.3rem; }
        """;

    private const string Number = " class=\"number\"", Short = " class=\"short\"";

    /// <summary>A cell of so many characters is not broken into lines.</summary>
    private const int ShortCell = 26;

    private readonly string _title;
    private readonly StringBuilder _body = new();

    /// <param name="title">the page's title and first heading</param>
    public HtmlReport(string title) => _title = HtmlEncode(title);

    /// <summary>Begins a section.</summary>
    public HtmlReport Heading(string text) => Add($"<h2>{HtmlEncode(text)}</h2>");

    /// <summary>Adds a paragraph.</summary>
    public HtmlReport Paragraph(string text) => Add($"<p>{HtmlEncode(text)}</p>");

    /// <summary>Adds numbers, each with a bar where it is known what fills it.</summary>
    public HtmlReport Table(string caption, IEnumerable<KeyFigure> figures)
    {
        Add($"<table><caption>{HtmlEncode(caption)}</caption>");
        foreach (var figure in figures)
        {
            string number = figure.Value.ToString("#,0.##", CultureInfo.InvariantCulture);
            string unit = figure.Unit.Length > 0 ? " " + HtmlEncode(figure.Unit) : "";
            Add($"<tr><th scope=\"row\">{HtmlEncode(figure.Name)}</th><td class=\"number\">{number}{unit}</td>{Bar(figure)}</tr>");
        }

        return Add($"</table>");
    }

    /// <summary>Adds a table of words and numbers. On a narrow screen it can be pushed to the side.</summary>
    public HtmlReport Table(ReportTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        string[] kinds = [.. table.Columns.Select((_, i) => table.IsNumeric(i) ? Number : "")];
        Add($"<div class=\"scroll\"><table><caption>{HtmlEncode(table.Caption)}</caption>");
        Add($"<tr class=\"head\">{string.Concat(table.Columns.Select((name, i) => $"<th scope=\"col\"{kinds[i]}>{HtmlEncode(name)}</th>"))}</tr>");
        foreach (var row in table.Rows)
        {
            string cells = string.Concat(row.Cells.Select((cell, i) => $"<td{KindOf(cell, i)}>{HtmlEncode(cell)}</td>"));
            Add($"<tr{(row.Marked ? " class=\"marked\"" : "")}>{cells}</tr>");
        }

        return Add($"</table></div>");

        string KindOf(string cell, int column) => kinds[column].Length > 0 ? kinds[column] : cell.Length <= ShortCell ? Short : "";
    }

    /// <summary>Adds a link to a page beside this one.</summary>
    /// <param name="path">relative to this page</param>
    /// <param name="text">what stands there</param>
    public HtmlReport Link(string path, string text) =>
        Add($"<p><a href=\"{HtmlEncode(Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal))}\">{HtmlEncode(text)}</a></p>");

    /// <summary>Adds a chart with its title under it.</summary>
    public HtmlReport Chart(LineChart chart) =>
        Add($"<figure>{chart.ToSvg()}<figcaption>{HtmlEncode(chart.Title)}</figcaption></figure>");

    /// <summary>Adds a grid of pictures with what stands under them. The pictures are encoded at once and may be disposed after.</summary>
    public HtmlReport Images(IEnumerable<(PixelImage Image, string Caption)> images) => Figures("images", images);

    /// <summary>Adds pictures that belong together, side by side, with what stands under them.</summary>
    public HtmlReport ImageRow(IEnumerable<(PixelImage Image, string Caption)> images) => Figures("row", images);

    /// <summary>Adds one picture in its own size, or as wide as the page.</summary>
    public HtmlReport Picture(PixelImage image, string caption) => Figures("wide", [(image, caption)]);

    /// <summary>Writes the page whole or not at all.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public void Save(string path) => AtomicFile.Write(path, stream =>
    {
        using StreamWriter page = new(stream, leaveOpen: true);
        page.Write(ToString());
    });

    /// <summary>The page.</summary>
    public override string ToString() => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <title>{_title}</title>
        <style>
        {Style}
        </style>
        </head>
        <body>
        <h1>{_title}</h1>
        {_body}</body>
        </html>

        """;

    private static string Bar(KeyFigure figure)
    {
        if (figure.Full is not { } full)
        {
            return "<td></td>";
        }

        double percent = 100 * figure.Value / full;
        double width = double.IsFinite(percent) ? Math.Clamp(percent, 0, 100) : 0;
        return string.Create(CultureInfo.InvariantCulture, $"<td class=\"bar\"><div style=\"width: {width:0.#}%\"></div></td>");
    }

    private HtmlReport Figures(string arrangement, IEnumerable<(PixelImage Image, string Caption)> images)
    {
        Add($"<div class=\"{arrangement}\">");
        foreach (var (image, caption) in images)
        {
            string text = HtmlEncode(caption);
            string png = Convert.ToBase64String(PngWriter.Encode(image));
            Add($"<figure><img alt=\"{text}\" width=\"{image.Width}\" height=\"{image.Height}\" src=\"data:image/png;base64,{png}\"/>");
            Add($"<figcaption>{text}</figcaption></figure>");
        }

        return Add($"</div>");
    }

    private HtmlReport Add(FormattableString html)
    {
        _body.Append(html.ToString(CultureInfo.InvariantCulture)).Append('\n');
        return this;
    }
}
