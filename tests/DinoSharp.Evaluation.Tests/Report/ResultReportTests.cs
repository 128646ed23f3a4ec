using DinoSharp.Evaluation.Report;
using DinoSharp.Imaging;
using DinoSharp.Tests;

namespace DinoSharp.Evaluation.Tests.Report;

public sealed class ResultReportTests
{
    private static readonly EvaluationRecord[] Records =
    [
        Record("knn", "imagenet-1k", "k = 20", new Score("k-NN top-1", 61.23), new Score("k-NN top-5", 80.14)),
        Record("linear", "ImageNet", "100 epochs", new Score("top-1", 66.66)),
        Record("knn", "cifar10", "k = 20, 32 pixels", new Score("top-1", 78.94), new Score("top-5", 98.1)),
        Record("knn", "cifar10", "k = 20", new Score("top-1", 38.9)) with { Weights = "raw pixels", Network = "none" },
        Record("linear", "cifar10", "100 epochs", new Score("top-1", 81)),
        Record("finetune", "cifar10", "100 epochs", new Score("top-1", 95), new Score("top-5", 99.9)),
        Record("supervised", "cifar10", "100 epochs", new Score("top-1", 90)),
        Record("retrieval", "roxford5k", "multi-scale", new Score("mAP M", 20.5), new Score("mAP H", 5.1), new Score("mP@10 M", 30)),
        Record("retrieval", "rparis6k", "multi-scale", new Score("mAP M", 44.5), new Score("mAP H", 15.1)),
        Record("copy-detection", "Copydays, no distractors", "320²", new Score("mAP", 90), new Score("mAP crops/10", 99)),
        Record("depth", "a|b <c> *d*", "", new Score("rmse", 0.514, "m")) with
        {
            Pictures = new Dictionary<string, string> { ["depth.png"] = "What was <seen>" },
        },
    ];

    /// <summary>After a wanted change, write the text that the test got to the fixture.</summary>
    [Fact]
    public void The_tables_are_the_ones_last_agreed_on()
    {
        string text = new ResultReport("Results of a run", "", Records).Markdown().ToString();
        Assert.Equal(File.ReadAllText(Golden.PathOf("report/results.md")), text, ignoreLineEndingDifferences: true);
    }

    [Fact]
    public void A_row_of_other_data_never_stands_in_a_published_table()
    {
        foreach (var section in ResultTables.Of(Records).Take(PublishedResults.Sections.Count))
        {
            Assert.Equal("Source", section.Tables[0].Columns[^1]);
            Assert.All(section.Tables, table => Assert.All(table.Rows, row => Assert.Equal(table.Columns.Count, row.Cells.Count)));
            Assert.All(section.Tables.Skip(1), table => Assert.Contains("not comparable", table.Caption, StringComparison.Ordinal));
        }

        var classification = ResultTables.Of(Records)[0];
        Assert.Equal(["66.7", "61.2", "measured here"], Assert.Single(classification.Tables[0].Rows, row => row.Marked).Cells.Skip(3));
        Assert.Equal(2, Assert.Single(classification.Tables.Skip(1)).Rows.Count);
    }

    [Fact]
    public void The_page_shows_pictures_from_beside_the_records_and_no_others()
    {
        using TestFolder folder = new();
        using (PixelImage image = new(4, 3))
        {
            PngWriter.Save(image, Path.Combine(folder.Path, "depth.png"));
        }

        foreach (var record in Records)
        {
            record.Save(folder.Path);
        }

        var read = EvaluationRecord.ReadAll(folder.Path);
        Assert.Equal(Records.Length, read.Count);
        string page = Path.Combine(folder.Path, "pages", "r.html");
        Directory.CreateDirectory(Path.GetDirectoryName(page)!);
        new ResultReport("Results", folder.Path, read).SavePage(page, Path.Combine(folder.Path, "a run", "report.html"));
        string html = File.ReadAllText(page);
        Assert.Contains("<figcaption>What was &lt;seen&gt;</figcaption>", html, StringComparison.Ordinal);
        Assert.Contains("data:image/png;base64,", html, StringComparison.Ordinal);
        Assert.Contains("href=\"../a%20run/report.html\"", html, StringComparison.Ordinal);
        Assert.Equal(9, html.Split("<tr class=\"marked\">").Length); // eight rows of one's own

        var hostile = Records[^1] with { Pictures = new Dictionary<string, string> { ["../secret.png"] = "" } };
        Assert.Contains(
            "../secret.png",
            Assert.Throws<EvaluationException>(() => new ResultReport("t", folder.Path, [hostile]).SavePage(page)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Data_and_weights_of_the_same_names_elsewhere_have_records_of_their_own()
    {
        using TestFolder folder = new();
        var birds = Record("knn", "鳥", "k = 20", new Score("top-1", 50)) with { DataPath = "/a/鳥" };
        EvaluationRecord[] records =
            [birds, birds with { DataPath = "/b/鳥" }, birds with { Data = "花", DataPath = "/a/花" }, birds with { Weights = "others/small" }];
        foreach (var record in records)
        {
            record.Save(folder.Path);
        }

        var again = birds with { Weights = Path.GetFullPath(birds.Weights) + Path.DirectorySeparatorChar, Scores = [new Score("top-1", 60)] };
        again.Save(folder.Path);

        var read = EvaluationRecord.ReadAll(folder.Path);
        Assert.Equal([50.0, 50.0, 50.0, 60.0], read.Select(record => record.Scores[0].Value).Order());
        var tables = ResultTables.Of(read)[0].Tables.Skip(1).ToList();
        Assert.Equal(3, tables.Select(table => table.Caption).Distinct().Count());
        Assert.Equal([1, 1, 2], tables.Select(table => table.Rows.Count).Order());
    }

    private static EvaluationRecord Record(string protocol, string data, string setting, params Score[] scores) => new()
    {
        Protocol = protocol,
        Data = data,
        Weights = "runs/small",
        Network = "ViT-S/16",
        Setting = setting,
        Scores = scores,
    };
}
