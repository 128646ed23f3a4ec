using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Imaging;

namespace DinoSharp.Cli.Commands;

/// <summary>dino data: what is in a pile of images, and what a training would make of it.</summary>
internal sealed class DataCommand
{
    private const int ClassesShown = 8;
    private const int GroupsShown = 5;
    private const int NamesShown = 4;

    private readonly Argument<string[]> _paths = new("paths")
    {
        Description = "folders, .zip, .tar, shards (data-{0000..0099}.tar), .parquet, .csv, .txt, idx or CIFAR files",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _split = OptionFactory.Text("--split", DataHelp.Split);
    private readonly Option<int> _channels = OptionFactory.Value("--channels", "channels an image is decoded to", 3);
    private readonly Option<int> _threads = OptionFactory.Value("--threads", "threads that load images", Environment.ProcessorCount);
    private readonly DecodingOptions _decoding = new();

    public static Command Create()
    {
        var data = new DataCommand();
        var command = new Command("data", "look through images: number, sizes, classes, damaged and duplicate ones, how to train on them")
        {
            data._paths, data._split, data._channels, data._threads,
        };
        foreach (var option in data._decoding.All)
        {
            command.Options.Add(option);
        }

        command.SetAction(data.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        if (parsed.GetValue(_channels) < 1 || parsed.GetValue(_threads) < 1)
        {
            throw new RequestException("--channels and --threads are at least 1");
        }

        string[] paths = parsed.GetValue(_paths)!;
        using var source = ImageSources.OpenAll(paths, weights: null, parsed.GetValue(_split));
        foreach (string notice in source.Notices)
        {
            terminal.Line(notice);
        }

        var survey = Survey(source, new LoaderOptions
        {
            Threads = parsed.GetValue(_threads),
            Decoding = _decoding.Read(parsed, parsed.GetValue(_channels)),
        }, terminal);
        TellImages(source, survey, terminal);
        TellDuplicates("equal pixels", " = ", source, survey.ExactDuplicates, terminal);
        TellDuplicates("look alike", " ~ ", source, survey.NearDuplicates, terminal);
        var first = survey.Usable.Count == 0 ? null : FirstSettings.For(MedianSide(survey), survey.Usable.Count);
        if (first is not null)
        {
            TellTraining(paths, source, survey, first, parsed.GetValue(_split), terminal);
        }

        terminal.Result(Json(source, survey, first));
        return 0;
    }

    private static DataSurvey Survey(IImageSource source, LoaderOptions options, Terminal terminal)
    {
        using var progress = new ImageProgress(terminal, "looked through", source.Count);
        Lock gate = new();
        int shown = 0;
        var survey = DataSurvey.Of(source, options, done =>
        {
            lock (gate)
            {
                shown = Math.Max(shown, done); // threads may tell out of turn
                progress.Show(shown);
            }
        });
        progress.Finish();
        return survey;
    }

    private static void TellImages(IImageSource source, DataSurvey survey, Terminal terminal)
    {
        terminal.Line($"images          {Wording.Number(source.Count)} in {source.Path}");
        terminal.Line($"classes         {Classes(source)}");
        if (survey.Usable.Count > 0)
        {
            var sides = Sides(survey);
            terminal.Line(string.Create(
                CultureInfo.InvariantCulture, $"shorter side    {sides[0]} to {sides[^1]} pixels, median {MedianSide(survey)}"));
        }

        terminal.Line($"unusable        {(survey.Faults.Count == 0 ? "none" : Wording.Number(survey.Faults.Count))}");
        foreach (var fault in survey.Faults.Take(GroupsShown))
        {
            terminal.Line($"  {fault.Reason}");
        }

        Ellipsis(survey.Faults.Count, terminal);
    }

    private static string Classes(IImageSource source)
    {
        if (source.Classes.Count == 0)
        {
            return "none: the images have no labels, and need none";
        }

        int[] counts = Counts(source);
        string first = string.Join(", ", source.Classes.Take(ClassesShown).Select((name, i) => $"{name} {Wording.Number(counts[i])}"));
        string more = source.Classes.Count > ClassesShown ? $", ... ({Wording.Number(counts.Min())} to {Wording.Number(counts.Max())} images each)" : "";
        return $"{Wording.Number(source.Classes.Count)}: {first}{more}";
    }

    private static int[] Counts(IImageSource source)
    {
        int[] counts = new int[source.Classes.Count];
        for (int i = 0; i < source.Count; i++)
        {
            counts[source.LabelOf(i)]++;
        }

        return counts;
    }

    private static void TellDuplicates(
        string what, string sign, IImageSource source, IReadOnlyList<int[]> groups, Terminal terminal)
    {
        string total = groups.Count == 0
            ? "none"
            : $"{Wording.Number(groups.Sum(group => group.Length))} images in {Wording.Number(groups.Count)} groups";
        terminal.Line($"{what,-16}{total}");
        foreach (int[] group in groups.Take(GroupsShown))
        {
            string more = group.Length > NamesShown ? $" and {Wording.Number(group.Length - NamesShown)} more" : "";
            terminal.Line($"  {string.Join(sign, group.Take(NamesShown).Select(source.NameOf))}{more}");
        }

        Ellipsis(groups.Count, terminal);
    }

    private static void Ellipsis(int count, Terminal terminal)
    {
        if (count > GroupsShown)
        {
            terminal.Line($"  and {Wording.Number(count - GroupsShown)} more; --json lists all");
        }
    }

    private static void TellTraining(
        string[] paths, IImageSource source, DataSurvey survey, FirstSettings first, string? split, Terminal terminal)
    {
        int steps = source.Count / first.BatchSize;
        terminal.Line("");
        terminal.Line("dino train would");
        terminal.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"  take {Wording.Number(steps)} steps an epoch with batches of {first.BatchSize}; {source.Count % first.BatchSize} images are left over, others each epoch"));
        terminal.Line(source is IStreamedSource streamed
            ? $"  stream {Wording.Number(streamed.RunStarts.Count)} runs front to back through a shuffle buffer (--shuffle-buffer)"
            : "  read the images in an order shuffled as a whole");
        if (survey.Faults.Count > 0)
        {
            double share = (double)survey.Faults.Count / source.Count, limit = new LoaderOptions().FaultShareLimit;
            terminal.Line(share <= limit
                ? "  show another image in place of each unusable one"
                : string.Create(CultureInfo.InvariantCulture, $"  refuse, as {share:P1} of the images are unusable: mend them, or allow it by --fault-share"));
        }

        terminal.Line($"  decode JPEG by {ImageDecoder.JpegCodec}{(ImageDecoder.JpegCodec == "SkiaSharp" ? "; TurboJPEG would be twice as fast" : "")}");
        int reduced = survey.Usable.Count(i => first.Views.ReductionOf(survey.SizeOf(i).Width, survey.SizeOf(i).Height) > 1);
        if (reduced > 0)
        {
            terminal.Line(
                $"  decode {Wording.Number(reduced)} images at 1/2 or less where they are JPEG files, as every crop shrinks them (--exact-views: not)");
        }

        string data = string.Join(' ', paths.Select(Quoted)), part = split is null ? "" : $" --split {Quoted(split)}";
        terminal.Line("to begin with:");
        terminal.Line($"  dino train --data {data}{part} --out runs/first{first.Arguments()}");
    }

    private static string Quoted(string word) =>
        word.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_' or ':' or '\\') ? word : $"\"{word}\"";

    private static int[] Sides(DataSurvey survey) =>
        [.. survey.Usable.Select(survey.SizeOf).Select(size => Math.Min(size.Width, size.Height)).Order()];

    private static int MedianSide(DataSurvey survey) => Sides(survey)[survey.Usable.Count / 2];

    private static JsonObject Json(IImageSource source, DataSurvey survey, FirstSettings? first)
    {
        int[] counts = source.Classes.Count == 0 ? [] : Counts(source);
        int[] sides = Sides(survey);
        return new JsonObject
        {
            ["path"] = source.Path,
            ["images"] = source.Count,
            ["streamed"] = source is IStreamedSource,
            ["classes"] = new JsonObject(source.Classes.Select((name, i) => KeyValuePair.Create(name, (JsonNode?)counts[i]))),
            ["shorter_side"] = sides.Length == 0 ? null : new JsonObject
            {
                ["least"] = sides[0],
                ["median"] = sides[sides.Length / 2],
                ["most"] = sides[^1],
            },
            ["notices"] = new JsonArray([.. source.Notices.Select(notice => JsonValue.Create(notice))]),
            ["unusable"] = new JsonArray([.. survey.Faults.Select(f => new JsonObject { ["name"] = f.Name, ["reason"] = f.Reason })]),
            ["equal"] = Names(survey.ExactDuplicates),
            ["alike"] = Names(survey.NearDuplicates),
            ["arguments"] = first?.Arguments().TrimStart(),
        };

        JsonArray Names(IReadOnlyList<int[]> groups) =>
            new([.. groups.Select(group => new JsonArray([.. group.Select(i => JsonValue.Create(source.NameOf(i)))]))]);
    }
}
