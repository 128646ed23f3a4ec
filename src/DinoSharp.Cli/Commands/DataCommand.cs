using System.CommandLine;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Training;
using DinoSharp.Data;

namespace DinoSharp.Cli.Commands;

/// <summary>dino data: what is in a pile of images, and what a training would make of it.</summary>
internal sealed class DataCommand
{
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
        Wording.TellNotices(terminal, source);
        var survey = Survey(source, new LoaderOptions
        {
            Threads = parsed.GetValue(_threads),
            Decoding = _decoding.Read(parsed, parsed.GetValue(_channels)),
        }, terminal);
        SurveyText text = new(source, survey, terminal);
        text.TellImages();
        text.TellDuplicates();
        var first = survey.Usable.Count == 0 ? null : FirstSettings.For(survey.MedianSide, survey.Usable.Count);
        if (first is not null)
        {
            text.TellTraining(first, paths, parsed.GetValue(_split), parsed.GetValue(_channels));
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

    private static JsonObject Json(IImageSource source, DataSurvey survey, FirstSettings? first)
    {
        int[] counts = SurveyText.ImagesOfClasses(source);
        var sides = survey.ShorterSides;
        return new JsonObject
        {
            ["path"] = source.Path,
            ["images"] = source.Count,
            ["streamed"] = source is IStreamedSource,
            ["classes"] = new JsonObject(source.Classes.Select((name, i) => KeyValuePair.Create(name, (JsonNode?)counts[i]))),
            ["shorter_side"] = sides.Count == 0 ? null : new JsonObject
            {
                ["least"] = sides[0],
                ["median"] = survey.MedianSide,
                ["most"] = sides[^1],
            },
            ["notices"] = new JsonArray([.. source.Notices.Select(notice => JsonValue.Create(notice))]),
            ["unusable"] = new JsonArray([.. survey.Faults.Select(f => new JsonObject { ["name"] = f.Name, ["reason"] = f.Reason })]),
            ["equal"] = Names(survey.ExactDuplicates),
            ["alike"] = Names(survey.NearDuplicates),
            ["training"] = first is null ? null : new JsonObject
            {
                ["global_crops_size"] = first.GlobalSize,
                ["local_crops_size"] = first.LocalSize,
                ["patch_size"] = first.PatchSize,
                ["batch_size"] = first.BatchSize,
            },
        };

        JsonArray Names(IReadOnlyList<int[]> groups) =>
            new([.. groups.Select(group => new JsonArray([.. group.Select(i => JsonValue.Create(source.NameOf(i)))]))]);
    }
}
