using System.Globalization;
using CsvHelper;
using DinoSharp.Checkpoints;
using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Report;
using DinoSharp.Imaging;

namespace DinoSharp.Evaluation.CopyDetection;

/// <summary>Groups of look-alikes for people: a page of pictures and a table of all.</summary>
/// <param name="source">where the pictures are</param>
/// <param name="table">features of the source; groups are of its rows</param>
/// <param name="indices">which image of the source each row is</param>
/// <param name="groups">largest first</param>
/// <param name="decoding">how pictures are decoded</param>
public sealed class DuplicateSheet(
    IImageSource source,
    FeatureTable table,
    IReadOnlyList<int> indices,
    IReadOnlyList<IReadOnlyList<Duplicate>> groups,
    DecodeOptions decoding)
{
    /// <summary>Groups and pictures a group that the page shows; the table has all.</summary>
    private const int GroupsShown = 100, PicturesShown = 6;

    private const int PictureSide = 144;

    /// <summary>Images beyond the first of each group.</summary>
    public int Copies => groups.Sum(group => group.Count - 1);

    /// <summary>Writes the page. A picture that can no longer be read is left out.</summary>
    /// <param name="path">of the file</param>
    /// <param name="title">of the page</param>
    /// <param name="threshold">the least similarity of a pair, which the page tells</param>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public void SavePage(string path, string title, double threshold)
    {
        var report = new HtmlReport(title).Paragraph(string.Create(
            CultureInfo.InvariantCulture,
            $"{groups.Count:#,0} groups, {Copies:#,0} images more than one of each. In a group are the images whose features' cosine with those of "
            + $"its first is {threshold} or more; it stands under each. All groups are in the table beside this page."));
        foreach (var (number, group) in groups.Take(GroupsShown).Index())
        {
            string more = group.Count > PicturesShown ? $", {PicturesShown} of them here" : "";
            report.Heading($"Group {number + 1}: {group.Count} images{more}");
            var pictures = group.Take(PicturesShown).Select(d => (Image: Picture(d.Row), Caption: CaptionOf(d)))
                .Where(p => p.Image is not null).ToList();
            report.ImageRow(pictures.Select(p => (p.Image!, p.Caption)));
            pictures.ForEach(p => p.Image!.Dispose());
        }

        if (groups.Count > GroupsShown)
        {
            report.Paragraph($"And {groups.Count - GroupsShown} groups more.");
        }

        report.Save(path);
    }

    /// <summary>Writes a line an image: group (from 1, the largest first), path, similarity to the group's first.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public void SaveTable(string path) => AtomicFile.Write(path, stream =>
    {
        using StreamWriter text = new(stream, leaveOpen: true);
        using CsvWriter csv = new(text, CultureInfo.InvariantCulture, leaveOpen: true);
        csv.WriteField("group");
        csv.WriteField("path");
        csv.WriteField("similarity");
        csv.NextRecord();
        foreach (var (number, group) in groups.Index())
        {
            foreach (var duplicate in group)
            {
                csv.WriteField(number + 1);
                csv.WriteField(table.Names[duplicate.Row]);
                csv.WriteField(duplicate.Similarity.ToString("F4", CultureInfo.InvariantCulture));
                csv.NextRecord();
            }
        }
    });

    private string CaptionOf(Duplicate duplicate) =>
        string.Create(CultureInfo.InvariantCulture, $"{table.Names[duplicate.Row]} {duplicate.Similarity:F2}");

    private PixelImage? Picture(int row)
    {
        using var image = new FaultLog().TryLoad(source, indices[row], decoding);
        if (image is null)
        {
            return null;
        }

        double scale = Math.Min(1, (double)PictureSide / Math.Max(image.Width, image.Height));
        using PixelImage small = new(Math.Max(1, (int)(image.Width * scale)), Math.Max(1, (int)(image.Height * scale)), image.Channels);
        Resampler.Resize(image, CropBox.Whole(image), small, ResampleFilter.Bicubic);
        return ImagePreview.Of(small);
    }
}
