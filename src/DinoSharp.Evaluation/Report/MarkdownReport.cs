using System.Text;
using DinoSharp.Checkpoints;

namespace DinoSharp.Evaluation.Report;

/// <summary>A report as Markdown with tables, as code hosts show it. The parts stand in the order they are added.</summary>
public sealed class MarkdownReport
{
    private readonly StringBuilder _text = new();

    /// <param name="title">the first heading</param>
    public MarkdownReport(string title) => _text.Append("# ").Append(Line(title)).Append('\n');

    /// <summary>Begins a section.</summary>
    public MarkdownReport Heading(string text) => Add("## " + Line(text));

    /// <summary>Adds a paragraph.</summary>
    public MarkdownReport Paragraph(string text) => Add(Line(text));

    /// <summary>Adds a table under its caption; marked rows are bold.</summary>
    public MarkdownReport Table(ReportTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        Add(Line(table.Caption)).Add(RowOf(table.Columns));
        _text.Append(RowOf(table.Columns.Select((_, i) => table.IsNumeric(i) ? "---:" : "---"))).Append('\n');
        foreach (var row in table.Rows)
        {
            _text.Append(RowOf(row.Cells.Select(cell => row.Marked && cell.Length > 0 ? $"**{Line(cell)}**" : Line(cell)))).Append('\n');
        }

        return this;
    }

    /// <summary>Writes the text whole or not at all.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public void Save(string path) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(ToString())));

    /// <summary>The text.</summary>
    public override string ToString() => _text.ToString();

    private MarkdownReport Add(string line)
    {
        _text.Append('\n').Append(line).Append('\n');
        return this;
    }

    private static string RowOf(IEnumerable<string> cells) => $"| {string.Join(" | ", cells)} |";

    /// <summary>Words as they are: what Markdown or HTML would take for its own is escaped.</summary>
    private static string Line(string text)
    {
        StringBuilder escaped = new();
        foreach (char c in text.ReplaceLineEndings(" "))
        {
            escaped.Append(c switch
            {
                '&' => "&amp;",
                '<' => "&lt;",
                '\\' or '`' or '*' or '_' or '[' or ']' or '|' => $"\\{c}",
                _ => c.ToString(),
            });
        }

        return escaped.ToString();
    }
}
