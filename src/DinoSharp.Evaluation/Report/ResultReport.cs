using DinoSharp.Checkpoints;
using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.Report;

/// <summary>What the protocols found out about networks, beside the published results: as a page and as Markdown.</summary>
/// <param name="title">of the report</param>
/// <param name="folder">where the records are, and their pictures</param>
/// <param name="records">of the folder</param>
public sealed class ResultReport(string title, string folder, IReadOnlyList<EvaluationRecord> records)
{
    private const string Introduction =
        "Rows that stand out were measured here; the others are as published, with their source. Published networks were trained on ImageNet, "
        + "without labels but for those called supervised, unless the row says otherwise; a network trained on other images had another start. "
        + "Only numbers of one data set, told by its name, stand in one table.";

    /// <summary>The tables.</summary>
    public IReadOnlyList<ResultSection> Sections { get; } = ResultTables.Of(records);

    /// <summary>Writes the page; pictures of the records are in it.</summary>
    /// <param name="path">of the file</param>
    /// <param name="trainingReport">a page on how the network was trained, which is linked; null for none</param>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    /// <exception cref="EvaluationException">A record names a picture outside of the folder.</exception>
    /// <exception cref="IOException">A picture cannot be read.</exception>
    /// <exception cref="ImageFormatException">A picture is damaged.</exception>
    public void SavePage(string path, string? trainingReport = null)
    {
        var report = new HtmlReport(title).Paragraph(Introduction);
        if (trainingReport is not null)
        {
            string around = Path.GetDirectoryName(Path.GetFullPath(path))!;
            report.Link(Path.GetRelativePath(around, trainingReport).Replace('\\', '/'), "How the network was trained");
        }

        foreach (var section in Sections)
        {
            report.Heading(section.Title);
            if (section.Note.Length > 0)
            {
                report.Paragraph(section.Note);
            }

            foreach (var table in section.Tables)
            {
                report.Table(table);
            }

            foreach (var (name, caption) in section.Records.SelectMany(record => record.Pictures))
            {
                using var picture = ImageDecoder.Load(PictureOf(name));
                report.Picture(picture, caption);
            }
        }

        report.Save(path);
    }

    /// <summary>The tables as Markdown, without pictures.</summary>
    public MarkdownReport Markdown()
    {
        var report = new MarkdownReport(title).Paragraph(Introduction);
        foreach (var section in Sections)
        {
            report.Heading(section.Title);
            if (section.Note.Length > 0)
            {
                report.Paragraph(section.Note);
            }

            foreach (var table in section.Tables)
            {
                report.Table(table);
            }
        }

        return report;
    }

    /// <summary>A picture beside the records: a name and nothing else, so that a record cannot show other files of the machine.</summary>
    private string PictureOf(string name) => Path.GetFileName(name) == name && name is not ("" or "." or "..")
        ? Path.Combine(folder, name)
        : throw new EvaluationException($"{folder}: a record names the picture '{name}', which is not beside it; evaluate again");
}
