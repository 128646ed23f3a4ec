using System.Globalization;
using System.Text;
using static System.Net.WebUtility;

namespace DinoSharp.Evaluation.Report;

/// <summary>A line of a chart.</summary>
/// <param name="Name">what the legend says</param>
/// <param name="Points">in the order to be joined; a value that is not finite makes a gap</param>
public sealed record ChartSeries(string Name, IReadOnlyList<(double X, double Y)> Points);

/// <summary>
/// A chart of one or several lines on linear axes, as SVG for a page: text and axes take the page's text colour, so that it reads on
/// light and dark ground.
/// </summary>
/// <param name="Title">what the chart shows, also for those who hear the page</param>
/// <param name="XLabel">what stands under the horizontal axis</param>
/// <param name="YLabel">what stands over the vertical axis</param>
/// <param name="Series">the lines</param>
public sealed record LineChart(string Title, string XLabel, string YLabel, IReadOnlyList<ChartSeries> Series)
{
    private const int Width = 720, Height = 360;
    private const int Left = 72, Right = Width - 20, Top = 34, Bottom = Height - 50;
    private const int LegendLine = 20;

    // Tell apart on white and on black, also for the colour-blind.
    private static readonly string[] Colors = ["#3b82c4", "#d9742b", "#2f9e6e", "#c04f8f", "#8a7a1f", "#7c6bd6", "#5f8a99", "#b5523f"];

    /// <summary>The chart as one svg element without anything from elsewhere.</summary>
    public string ToSvg()
    {
        Axis across = new(Series.SelectMany(s => s.Points).Select(p => p.X), 8);
        Axis up = new(Series.SelectMany(s => s.Points).Select(p => p.Y), 5);
        int height = Height + Series.Count * LegendLine;
        StringBuilder svg = new();
        Write(svg, $"""<svg class="chart" viewBox="0 0 {Width} {height}" role="img" aria-label="{HtmlEncode(Title)}" """);
        Write(svg, $"""font-family="system-ui, sans-serif" font-size="13" fill="currentColor"><title>{HtmlEncode(Title)}</title>""");
        WriteAxes(svg, across, up);
        for (int s = 0; s < Series.Count; s++)
        {
            string color = Colors[s % Colors.Length];
            WriteLine(svg, Series[s], color, across, up);
            int y = Height + s * LegendLine;
            Write(svg, $"""<line x1="{Left}" y1="{y}" x2="{Left + 24}" y2="{y}" stroke="{color}" stroke-width="3"/>""");
            Write(svg, $"""<text x="{Left + 32}" y="{y + 4}">{HtmlEncode(Series[s].Name)}</text>""");
        }

        return svg.Append("</svg>").ToString();
    }

    private void WriteAxes(StringBuilder svg, Axis across, Axis up)
    {
        foreach (var (value, label) in up.Ticks())
        {
            double y = YOf(up, value);
            Write(svg, $"""<line x1="{Left}" y1="{y:0.#}" x2="{Right}" y2="{y:0.#}" stroke="currentColor" stroke-opacity="0.15"/>""");
            Write(svg, $"""<text x="{Left - 8}" y="{y + 4:0.#}" text-anchor="end">{label}</text>""");
        }

        foreach (var (value, label) in across.Ticks())
        {
            double x = XOf(across, value);
            Write(svg, $"""<line x1="{x:0.#}" y1="{Bottom}" x2="{x:0.#}" y2="{Bottom + 5}" stroke="currentColor"/>""");
            Write(svg, $"""<text x="{x:0.#}" y="{Bottom + 19}" text-anchor="middle">{label}</text>""");
        }

        Write(svg, $"""<path d="M{Left} {Top}V{Bottom}H{Right}" fill="none" stroke="currentColor"/>""");
        Write(svg, $"""<text x="{(Left + Right) / 2}" y="{Bottom + 38}" text-anchor="middle">{HtmlEncode(XLabel)}</text>""");
        Write(svg, $"""<text x="{Left}" y="{Top - 14}" text-anchor="start">{HtmlEncode(YLabel)}</text>""");
    }

    /// <summary>Each run of finite points as a line; a run of one point as a dot.</summary>
    private static void WriteLine(StringBuilder svg, ChartSeries series, string color, Axis across, Axis up)
    {
        List<(double X, double Y)> run = [];
        foreach (var (x, y) in series.Points.Append((double.NaN, double.NaN)))
        {
            if (double.IsFinite(x) && double.IsFinite(y))
            {
                run.Add((XOf(across, x), YOf(up, y)));
                continue;
            }

            if (run.Count == 1)
            {
                Write(svg, $"""<circle cx="{run[0].X:0.#}" cy="{run[0].Y:0.#}" r="4" fill="{color}"/>""");
            }
            else if (run.Count > 1)
            {
                svg.Append("<polyline points=\"");
                svg.AppendJoin(' ', run.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.X:0.#},{p.Y:0.#}")));
                svg.Append("\" ");
                Write(svg, $"""fill="none" stroke="{color}" stroke-width="2" stroke-linejoin="round"/>""");
            }

            run.Clear();
        }
    }

    private static double XOf(Axis axis, double value) => Left + axis.Share(value) * (Right - Left);

    private static double YOf(Axis axis, double value) => Bottom - axis.Share(value) * (Bottom - Top);

    private static void Write(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture));
}
