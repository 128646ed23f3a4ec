using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Evaluation.Report;
using DinoSharp.Evaluation.Video;
using DinoSharp.Evaluation.Video.Davis;
using DinoSharp.Imaging;
using DinoSharp.Imaging.Animation;
using DinoSharp.Models;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Commands;

/// <summary>dino davis: video object segmentation on DAVIS 2017 (arXiv 2104.14294, table 5).</summary>
internal sealed class DavisCommand
{
    private readonly Option<string?> _data = Text(
        "--data", "DAVIS 2017: the folder with JPEGImages, Annotations and ImageSets", "--data-path");
    private readonly Option<string?> _out = Text(
        "--out", "folder for the masks, SEQUENCE/00000.png, and the tables; sequences that are done are not done again", "--output-dir");
    private readonly Option<string> _split = Value("--split", "which sequences: the list in ImageSets/2017", "val");
    private readonly Option<string?> _evaluate = Text("--evaluate", "only measures the masks of this folder, whoever made them");
    private readonly PropagationSettings _propagation = new();
    private readonly WeightsOptions _weights = new();
    private readonly ResultOptions _results = new();

    public static Command Create()
    {
        var verb = new DavisCommand();
        var command = new Command("davis", "video object segmentation on DAVIS 2017, as published: masks, and J and F of them");
        Option[] own = [verb._data, verb._out, verb._split, verb._evaluate];
        foreach (var option in own.Concat(verb._propagation.All).Concat(verb._weights.All).Concat(verb._results.All))
        {
            command.Options.Add(option);
        }

        command.SetAction(verb.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        string data = parsed.GetValue(_data)
            ?? throw new RequestException("--data is missing: name the folder of DAVIS 2017, with JPEGImages, Annotations and ImageSets");
        var options = _propagation.Read(parsed);
        string? existing = parsed.GetValue(_evaluate);
        if (existing is not null && _weights.Given(parsed))
        {
            throw new RequestException("--evaluate only measures masks that are there: leave out --weights, or give --out in its place");
        }

        if (existing is not null)
        {
            parsed.Refuse("is for masks that are made here: leave it out with --evaluate", [_out, .. _propagation.All]);
        }

        string folder = existing ?? parsed.GetValue(_out) ?? throw new RequestException("--out is missing: name a folder for the masks");
        var set = new DavisSet(data, parsed.GetValue(_split)!);
        var json = new JsonObject();
        (string weights, string network, string setting) = existing is null
            ? Segment(parsed, set, folder, options, terminal, json)
            : (existing, "masks of a folder", "");
        var scores = Measure(set, folder, terminal);
        var (global, perSequence) = scores.Save(folder, set.Split);
        terminal.Table(
            [.. scores.Global.Select(g => g.Name)], [[.. scores.Global.Select(g => Percent(g.Value))]]);
        terminal.Line(global);
        terminal.Line(perSequence);
        Keep(parsed, set, folder, new EvaluationRecord
        {
            Protocol = "davis",
            Data = $"DAVIS 2017 {set.Split}",
            DataPath = EvaluationRecord.PathOf([data]),
            Weights = weights,
            Network = network,
            Setting = setting,
            Scores = [.. scores.Global.Where(g => g.Name.EndsWith("-Mean", StringComparison.Ordinal)).Select(g => new Score(g.Name, 100 * g.Value))],
        }, terminal);

        foreach (var (name, value) in scores.Global)
        {
            json[name.Replace("&", "_and_", StringComparison.Ordinal).Replace('-', '_').ToLowerInvariant()] = 100 * value;
        }

        json["objects"] = new JsonArray([.. scores.Objects.Select(o => new JsonObject
        {
            ["name"] = o.Name,
            ["j_mean"] = 100 * o.J.Mean,
            ["f_mean"] = 100 * o.F.Mean,
        })]);
        json["global"] = Path.GetFullPath(global);
        json["per_sequence"] = Path.GetFullPath(perSequence);
        terminal.Result(json);
        return 0;
    }

    /// <summary>Segments all sequences that are not segmented yet.</summary>
    private (string Weights, string Network, string Setting) Segment(
        ParseResult parsed, DavisSet set, string folder, PropagationOptions options, Terminal terminal, JsonObject json)
    {
        foreach (string sequence in set.Sequences)
        {
            _ = set.NamesOf(sequence); // what is missing is better known now than after hours
        }

        using var network = _weights.LoadVideoTransformer(parsed, terminal, PropagationSettings.Needed);
        var segmentation = new SequenceSegmentation(network, options);
        long start = TimeProvider.System.GetTimestamp();
        int computed = 0;
        foreach ((int i, string sequence) in set.Sequences.Index())
        {
            var frames = FrameSequence.Open(set.FramesOf(sequence));
            var mask = IndexedPng.Load(set.AnnotationOf(sequence, frames.NameOf(0)));
            var places = new SegmentationPlaces(Path.Combine(folder, sequence), Path.Combine(folder, ".state", sequence + ".safetensors"));
            computed += FrameProgress.Around(
                terminal, $"{i + 1}/{set.Sequences.Count} {sequence}", frames.Count, show => segmentation.Run(frames, mask, places, show)).Computed;
        }

        double rate = computed / TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        terminal.Line(computed == 0
            ? $"{folder}: all sequences were segmented already"
            : string.Create(CultureInfo.InvariantCulture, $"{folder}: {Wording.Number(computed)} frames segmented, {rate:G3} frames/s"));
        json["computed"] = computed;
        json["frames_per_second"] = computed == 0 ? null : rate;
        return (_weights.PathOf(parsed), BackboneCatalogue.Label(network), PropagationSettings.Describe(options));
    }

    private static DavisScores Measure(DavisSet set, string folder, Terminal terminal)
    {
        using var line = new StatusLine(terminal);
        return new DavisMeasurement(set, folder).All(
            done => line.Show(() => $"measure  {Wording.Bar((double)done / set.Sequences.Count)}  {done}/{set.Sequences.Count} sequences"));
    }

    /// <summary>Keeps the record where one is asked for, with the overlay of the first sequence's middle frame.</summary>
    private void Keep(ParseResult parsed, DavisSet set, string folder, EvaluationRecord record, Terminal terminal)
    {
        if (_results.FolderOf(parsed, record.Weights) is not { } kept)
        {
            return;
        }

        string sequence = set.Sequences[0];
        var names = set.NamesOf(sequence);
        string name = names[names.Count / 2];
        using var frame = ImageDecoder.Load(Path.Combine(set.FramesOf(sequence), name + ".jpg"));
        using var overlay = VideoOverlay.Draw(frame, IndexedPng.Load(Path.Combine(folder, sequence, name + ".png")));
        Directory.CreateDirectory(kept);
        string picture = $"{record.FileStem}-overlay.png";
        PngWriter.Save(overlay, Path.Combine(kept, picture));
        _results.Keep(
            parsed, record with { Pictures = new Dictionary<string, string> { [picture] = $"{sequence}, frame {name}: the masks over it" } }, terminal);
    }

    private static string Percent(double value) => (100 * value).ToString("F1", CultureInfo.InvariantCulture);
}
