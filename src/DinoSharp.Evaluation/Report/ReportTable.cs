using System.Globalization;

namespace DinoSharp.Evaluation.Report;

/// <summary>A row of a <see cref="ReportTable"/>.</summary>
/// <param name="Cells">one a column; numbers are told from words by their look</param>
/// <param name="Marked">whether it stands out</param>
public sealed record ReportRow(IReadOnlyList<string> Cells, bool Marked = false);

/// <summary>A table of words and numbers, for a page or for Markdown.</summary>
/// <param name="Caption">what it shows</param>
/// <param name="Columns">the columns' headings</param>
/// <param name="Rows">each with as many cells as there are columns</param>
public sealed record ReportTable(string Caption, IReadOnlyList<string> Columns, IReadOnlyList<ReportRow> Rows)
{
    /// <summary>Whether a column has numbers and nothing else, apart from cells that are empty or a dash.</summary>
    public bool IsNumeric(int column)
    {
        string[] cells = [.. Rows.Select(row => row.Cells[column]).Where(cell => cell is not ("" or "–"))];
        return cells.Length > 0 && Array.TrueForAll(cells, cell => double.TryParse(cell, CultureInfo.InvariantCulture, out _));
    }
}
