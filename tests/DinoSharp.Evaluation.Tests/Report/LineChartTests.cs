using System.Globalization;
using System.Xml.Linq;
using DinoSharp.Evaluation.Report;

namespace DinoSharp.Evaluation.Tests.Report;

public sealed class LineChartTests
{
    [Fact]
    public void Ticks_are_round_numbers_that_hold_all_values()
    {
        Assert.Equal(["0", "20", "40", "60", "80"], Labels([3, 71], 5));
        Assert.Equal(["-0.5", "0.0", "0.5", "1.0"], Labels([-0.3, double.NaN, 0.9], 3));
        Assert.Equal(["0.00000", "0.00002", "0.00004"], Labels([0, 4e-5], 2));
        Assert.Equal(["0e+0", "5e+8", "1e+9"], Labels([0, 1e9], 2));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(7.0)]
    [InlineData(-1e-9)]
    public void A_constant_stands_in_the_middle(double value)
    {
        var axis = new Axis([value, value], 5);
        Assert.Equal(0.5, axis.Share(value), 1e-9);
        Assert.InRange(axis.Ticks().Count(), 3, 12);
    }

    [Fact]
    public void A_gap_parts_a_line_and_a_lone_point_is_a_dot()
    {
        var svg = Draw([(0, 1), (1, 2), (2, double.NaN), (3, 5), (4, double.PositiveInfinity), (5, 1), (6, 1), (7, 0)]);
        Assert.Equal([2, 3], svg.Descendants("polyline").Select(l => l.Attribute("points")!.Value.Split(' ').Length));
        Assert.Single(svg.Descendants("circle"));
    }

    [Fact]
    public void Higher_values_are_drawn_higher_and_later_ones_further_right()
    {
        double[][] points = [.. Draw([(0, 1), (10, 9)]).Descendants("polyline").Single().Attribute("points")!.Value.Split(' ')
            .Select(p => p.Split(',').Select(n => double.Parse(n, CultureInfo.InvariantCulture)).ToArray())];
        Assert.True(points[1][0] > points[0][0] && points[1][1] < points[0][1]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void No_or_one_point_makes_a_chart(int count)
    {
        var svg = Draw([.. Enumerable.Repeat((3.0, 4.0), count)]);
        Assert.Equal(count, svg.Descendants("circle").Count());
        Assert.DoesNotContain("NaN", svg.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_escaped_and_said_aloud()
    {
        var svg = XElement.Parse(new LineChart("loss <b> & \"x\"", "x", "y", [new("a < b", [(0, 0)])]).ToSvg());
        Assert.Equal("loss <b> & \"x\"", svg.Element("title")!.Value);
        Assert.Equal("loss <b> & \"x\"", svg.Attribute("aria-label")!.Value);
        Assert.Contains("a < b", svg.Elements("text").Select(t => t.Value));
    }

    private static XElement Draw((double X, double Y)[] points) =>
        XElement.Parse(new LineChart("title", "epoch", "loss", [new("run", points)]).ToSvg());

    private static string[] Labels(double[] values, int intervals) => [.. new Axis(values, intervals).Ticks().Select(t => t.Label)];
}
