using System.Globalization;
using DinoSharp.Data;

namespace DinoSharp.Cli;

/// <summary>How numbers, times and faults are told to people, by all verbs alike.</summary>
internal static class Wording
{
    private const int BarWidth = 12;
    private const int FaultsShown = 10;

    /// <summary>A whole number with its thousands apart.</summary>
    public static string Number(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>A length of time in its two largest units.</summary>
    public static string Duration(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes} min")
        : time.TotalMinutes >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds} s")
            : string.Create(CultureInfo.InvariantCulture, $"{time.Seconds} s");

    /// <summary>A bar and a percentage.</summary>
    /// <param name="share">what is done; less than 0 is shown as 0, more than 1 as 1</param>
    public static string Bar(double share)
    {
        share = Math.Clamp(share, 0, 1);
        return string.Create(
            CultureInfo.InvariantCulture, $"[{new string('=', (int)(share * BarWidth)).PadRight(BarWidth, '.')}] {share * 100,3:F0} %");
    }

    /// <summary>Says what a person should know of images before they are used.</summary>
    public static void TellNotices(Terminal terminal, params IImageSource[] sources)
    {
        foreach (string notice in sources.SelectMany(source => source.Notices).Distinct()) // parts of one source say the same
        {
            terminal.Line(notice);
        }
    }

    /// <summary>Names images that could not be used, the first few of them.</summary>
    /// <param name="terminal">where to tell it</param>
    /// <param name="faults">may be empty: then nothing is said</param>
    /// <param name="images">images there were in all</param>
    /// <param name="consequence">what became of them, e.g. "were left out"</param>
    public static void TellFaults(Terminal terminal, IReadOnlyList<Fault> faults, int images, string consequence)
    {
        if (faults.Count == 0)
        {
            return;
        }

        terminal.Line($"{Number(faults.Count)} of {Number(images)} images could not be used and {consequence}:");

        // A shard that is gone is one reason for all of its images.
        var reasons = faults.GroupBy(fault => fault.Reason).Select(group => (Text: group.Key, Images: group.Count())).ToList();
        foreach (var reason in reasons.Take(FaultsShown))
        {
            terminal.Line($"  {reason.Text}{(reason.Images > 1 ? $" ({Number(reason.Images)} images)" : "")}");
        }

        if (reasons.Count > FaultsShown)
        {
            terminal.Line($"  and {Number(reasons.Skip(FaultsShown).Sum(reason => reason.Images))} more");
        }
    }
}
