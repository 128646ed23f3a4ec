using System.Text.Json.Nodes;
using DinoSharp.Data;
using DinoSharp.Evaluation.CopyDetection;
using DinoSharp.Evaluation.Features;
using DinoSharp.Imaging;

namespace DinoSharp.Cli.CopyDetection;

/// <summary>Groups of look-alikes among any images.</summary>
/// <param name="work">takes the features</param>
/// <param name="whitening">null for none</param>
/// <param name="threshold">the least cosine of a pair</param>
internal sealed class LookAlikes(CopyWork work, Whitening? whitening, double threshold)
{
    /// <summary>Without whitening; docs/evaluations/copy-detection.md says what it was chosen by.</summary>
    public const double UsualThreshold = 0.97;

    /// <summary>Of fewer, most may well be copies.</summary>
    private const int FewImages = 20;

    private const string PageName = "duplicates.html", TableName = "duplicates.csv";

    /// <summary>Finds the groups and writes them.</summary>
    /// <param name="images">where to look</param>
    /// <param name="folder">made if it is not there</param>
    /// <param name="decoding">how pictures are shown</param>
    /// <returns>the result for programs; of several processes the first has it</returns>
    public JsonObject Tell(IImageSource images, string folder, DecodeOptions decoding)
    {
        Directory.CreateDirectory(folder);
        var features = work.Features(images, "features");
        if (features.Features.OnFirst() is not { } all)
        {
            return []; // the first process compares them
        }

        var groups = Find(all);
        DuplicateSheet sheet = new(images, all, features.Indices, groups, decoding);
        string page = Path.Combine(folder, PageName), table = Path.Combine(folder, TableName);
        sheet.SaveTable(table);
        sheet.SavePage(page, $"Look-alikes in {images.Path}", threshold);
        work.Terminal.Line(groups.Count == 0
            ? $"no two of {Wording.Number(all.Rows)} images are look-alikes; a lower --threshold finds more"
            : $"{Wording.Number(groups.Count)} groups of look-alikes, {Wording.Number(sheet.Copies)} images more than one of each; the largest has "
                + $"{Wording.Number(groups[0].Count)}");
        if (groups.Count > 0 && 2 * groups[0].Count > all.Rows && all.Rows > FewImages)
        {
            work.Terminal.Line("most images are in one group: to this network they are all much alike; raise --threshold");
        }

        work.Terminal.Line($"{page}: the groups; {table}: all of their images");
        return new JsonObject
        {
            ["images"] = all.Rows,
            ["threshold"] = threshold,
            ["groups"] = groups.Count,
            ["copies"] = sheet.Copies,
            ["page"] = Path.GetFullPath(page),
            ["table"] = Path.GetFullPath(table),
            ["skipped"] = new JsonArray([.. work.Faults.Select(f => new JsonObject { ["name"] = f.Name, ["reason"] = f.Reason })]),
        };
    }

    private IReadOnlyList<IReadOnlyList<Duplicate>> Find(FeatureTable features)
    {
        using var progress = new ImageProgress(work.Terminal, "compared", features.Rows);
        var groups = DuplicateGroups.Find(new CopyDescriptors(features, whitening, work.Device), threshold, progress.Show);
        progress.Finish();
        return groups;
    }
}
