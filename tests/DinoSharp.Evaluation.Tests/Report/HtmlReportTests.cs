using System.Xml.Linq;
using DinoSharp.Evaluation.Report;
using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.Tests.Report;

public sealed class HtmlReportTests
{
    private const string Hostile = "<script src=\"https://x.example/a.js\">'&amp;";

    [Fact]
    public void All_text_is_escaped_and_nothing_comes_from_elsewhere()
    {
        using var image = new PixelImage(3, 2);
        var report = new HtmlReport(Hostile)
            .Heading(Hostile)
            .Paragraph(Hostile)
            .Table(Hostile, [new(Hostile, 12.345, Hostile, 50)])
            .Chart(new LineChart(Hostile, Hostile, Hostile, [new(Hostile, [(0, 1), (1, 2)])]))
            .Images([(image, Hostile)])
            .ImageRow([(image, Hostile)]);

        // Well-formed as XML too: whatever was not escaped would break it or show up as an element.
        var page = Parse(report);
        const string OwnElements = "html head meta title style body h1 h2 p table caption tr th td div figure img figcaption "
            + "svg line path text polyline circle";
        string[] allowed = OwnElements.Split(' ');
        Assert.All(page.Descendants(), e => Assert.Contains(e.Name.LocalName, allowed));
        Assert.All(["h1", "h2", "p", "caption", "th"], name => Assert.Equal(Hostile, page.Descendants(name).Single().Value));
        Assert.Equal([Hostile, Hostile, Hostile], page.Descendants("figcaption").Select(c => c.Value));
        Assert.Equal([Hostile, Hostile], page.Descendants("img").Select(i => i.Attribute("alt")!.Value));
        Assert.All(page.Descendants().Attributes().Where(a => a.Name == "src" || a.Name == "href"),
            a => Assert.StartsWith("data:image/png;base64,", a.Value, StringComparison.Ordinal));
        Assert.DoesNotContain("url(", page.Descendants("style").Single().Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Pictures_in_the_page_are_the_pictures_given()
    {
        using var image = new PixelImage(2, 1);
        new byte[] { 1, 2, 3, 250, 251, 252 }.CopyTo(image.Pixels);
        var page = Parse(new HtmlReport("t").Images([(image, "a")]));
        string source = page.Descendants("img").Single().Attribute("src")!.Value;
        using var read = ImageDecoder.Decode(Convert.FromBase64String(source[(source.IndexOf(',') + 1)..]), "embedded");
        Assert.Equal(image.Pixels.ToArray(), read.Pixels.ToArray());
    }

    [Fact]
    public void Bars_are_as_long_as_the_figures_say()
    {
        var page = Parse(new HtmlReport("t").Table("c",
            [new("half", 25, "%", 50), new("over", 200, "%", 100), new("none", double.NaN, "", 1), new("bare", 1234567.891)]));
        Assert.Equal(["width: 50%", "width: 100%", "width: 0%"], page.Descendants("div").Attributes("style").Select(a => a.Value));
        Assert.Equal(["25 %", "200 %", "NaN", "1,234,567.89"],
            page.Descendants("td").Where(d => d.Attribute("class")?.Value == "number").Select(d => d.Value));
    }

    [Fact]
    public void A_saved_page_is_utf_8()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("report-").FullName, "r.html");
        var report = new HtmlReport("später").Paragraph("π ≈ 3");
        report.Save(path);
        Assert.Equal(report.ToString(), File.ReadAllText(path));
        Assert.Contains("charset=\"utf-8\"", report.ToString(), StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    private static XElement Parse(HtmlReport report) =>
        XElement.Parse(report.ToString().Replace("<!DOCTYPE html>", "", StringComparison.Ordinal));
}
