using System.Globalization;
using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Imaging;

namespace DinoSharp.Cli.Commands;

/// <summary>What "dino data" tells people.</summary>
/// <param name="source">the images</param>
/// <param name="survey">what was found in them</param>
/// <param name="terminal">where to tell it</param>
internal sealed class SurveyText(IImageSource source, DataSurvey survey, Terminal terminal)
{
    private const int ClassesShown = 8;
    private const int GroupsShown = 5;
    private const int NamesShown = 4;

    /// <summary>Images of each class.</summary>
    public static int[] ImagesOfClasses(IImageSource source)
    {
        int[] counts = new int[source.Classes.Count];
        for (int i = 0; i < source.Count && counts.Length > 0; i++)
        {
            counts[source.LabelOf(i)]++;
        }

        return counts;
    }

    /// <summary>Number, classes, sizes, and what cannot be used.</summary>
    public void TellImages()
    {
        Tell("images", $"{Wording.Number(source.Count)} in {source.Path}");
        Tell("classes", Classes());
        if (survey.Usable.Count > 0)
        {
            Tell("shorter side", Text($"{survey.ShorterSides[0]} to {survey.ShorterSides[^1]} pixels, median {survey.MedianSide}"));
        }

        Tell("unusable", survey.Faults.Count == 0 ? "none" : Wording.Number(survey.Faults.Count));
        TellFirst(survey.Faults, fault => fault.Reason);
    }

    /// <summary>Groups of images that are the same or nearly so.</summary>
    public void TellDuplicates()
    {
        TellGroups("equal pixels", " = ", survey.ExactDuplicates);
        TellGroups("look alike", " ~ ", survey.NearDuplicates);
    }

    /// <summary>What a training would do with the images, and a command to begin with.</summary>
    public void TellTraining(FirstSettings first, string[] paths, string? split, int channels)
    {
        int steps = source.Count / first.BatchSize, left = source.Count % first.BatchSize;
        terminal.Line("");
        terminal.Line("dino train would");
        terminal.Line(Text($"  take {steps:#,0} steps an epoch with batches of {first.BatchSize}; {left} images are left over, others each epoch"));
        terminal.Line(source is IStreamedSource streamed
            ? $"  stream {Wording.Number(streamed.RunStarts.Count)} runs front to back through a shuffle buffer (--shuffle-buffer)"
            : "  read the images in an order shuffled as a whole");
        TellUnusable();
        terminal.Line(Text($"  show crops of {first.GlobalSize} and {first.LocalSize} pixels, to a transformer in patches of {first.PatchSize}"));
        TellDecoding(new MultiCropOptions { GlobalSize = first.GlobalSize, LocalSize = first.LocalSize });
        string data = string.Join(' ', paths.Select(Quoted)), part = split is null ? "" : $" --split {Quoted(split)}";
        string bands = channels == new DecodeOptions().Channels ? "" : Text($" --channels {channels}");
        terminal.Line("to begin with:");
        terminal.Line($"  dino train --data {data}{part}{bands} --out runs/first");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Quoted(string word) =>
        word.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_' or ':' or '\\') ? word : $"\"{word}\"";

    private string Classes()
    {
        if (source.Classes.Count == 0)
        {
            return "none: the images have no labels, and need none";
        }

        int[] counts = ImagesOfClasses(source);
        string first = string.Join(", ", source.Classes.Zip(counts).Take(ClassesShown).Select(c => $"{c.First} {Wording.Number(c.Second)}"));
        return source.Classes.Count <= ClassesShown
            ? $"{source.Classes.Count}: {first}"
            : Text($"{source.Classes.Count:#,0}: {first}, ... ({counts.Min():#,0} to {counts.Max():#,0} images each)");
    }

    private void TellUnusable()
    {
        double share = (double)survey.Faults.Count / source.Count, limit = new LoaderOptions().FaultShareLimit;
        if (share > limit)
        {
            terminal.Line(Text($"  refuse, as {share * 100:F1} % of the images are unusable: mend them, or allow it by --fault-share"));
        }
        else if (share > 0)
        {
            terminal.Line("  show another image in place of each unusable one");
        }
    }

    private void TellDecoding(MultiCropOptions views)
    {
        string faster = ImageDecoder.JpegCodec == "SkiaSharp" ? "; TurboJPEG, if it were installed, would take half the time" : "";
        terminal.Line($"  decode JPEG by {ImageDecoder.JpegCodec}{faster}");
        int reduced = survey.Usable.Count(i => views.ReductionOf(survey.SizeOf(i).Width, survey.SizeOf(i).Height) > 1);
        if (reduced > 0)
        {
            terminal.Line(
                $"  decode {Wording.Number(reduced)} images, if they are JPEG files, at 1/2 or less, as every crop shrinks them (not with --exact-views)");
        }
    }

    private void TellGroups(string what, string sign, IReadOnlyList<int[]> groups)
    {
        int images = groups.Sum(group => group.Length);
        Tell(what, groups.Count == 0 ? "none" : $"{Wording.Number(images)} images in {Wording.Number(groups.Count)} groups");
        TellFirst(groups, group =>
        {
            string more = group.Length > NamesShown ? $" and {Wording.Number(group.Length - NamesShown)} more" : "";
            return string.Join(sign, group.Take(NamesShown).Select(source.NameOf)) + more;
        });
    }

    private void TellFirst<T>(IReadOnlyList<T> all, Func<T, string> describe)
    {
        foreach (T one in all.Take(GroupsShown))
        {
            terminal.Line($"  {describe(one)}");
        }

        if (all.Count > GroupsShown)
        {
            terminal.Line($"  and {Wording.Number(all.Count - GroupsShown)} more; --json lists all");
        }
    }

    private void Tell(string what, string text) => terminal.Line($"{what,-16}{text}");
}
