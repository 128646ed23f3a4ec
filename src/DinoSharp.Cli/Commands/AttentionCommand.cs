using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Attention;
using DinoSharp.Data;
using DinoSharp.Evaluation;
using DinoSharp.Evaluation.Attention;
using DinoSharp.Evaluation.Attention.Segmentation;
using DinoSharp.Imaging.Animation;

namespace DinoSharp.Cli.Commands;

/// <summary>
/// dino attention: what a Vision Transformer's class token looks at, as pictures, as a video, or measured on annotated pictures
/// (arXiv 2104.14294, figures 1, 3 and 4).
/// </summary>
internal sealed class AttentionCommand
{
    private const string LogName = "attention-jaccard.jsonl";
    private const string Needed = "attention to draw";
    private const string MeanHead = "mean";
    private const string AllHeads = "all";
    private static readonly string[] VideoEndings = [".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv"];

    private readonly Argument<string?> _images = new("images")
    {
        Description = "a picture; or many, in whatever --data of the other verbs can be; or with --video a video or a folder of frames",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _imagePath = OptionFactory.Text("--image-path", "the same as the argument", "--input-path");
    private readonly Option<string?> _out = OptionFactory.Text(
        "--out",
        "folder for the pictures: NAME-attention.png shows all, NAME-attention/ has each head's map, mask and overlay; with --voc or --masks, "
        + "for each image's numbers, from which a stopped measurement goes on",
        "--output-dir",
        "--output-path");
    private readonly Option<double> _threshold = OptionFactory.Value(
        "--threshold", "share of the attention that masks and overlays keep", AttentionMap.DefaultMass);
    private readonly Option<int[]> _imageSize = new("--image-size", "--resize")
    {
        Description = $"makes the shorter side this long, in pixels, or of two numbers height and width; by default the picture's own size, "
            + $"but at most {PictureView.UsualSide} (and never more area than {PictureView.MaxAspect} times the shorter side's square)",
        Arity = new ArgumentArity(1, 2),
        AllowMultipleArgumentsPerToken = true,
        CustomParser = ParseSize,
    };

    private readonly Option<double> _faultShare = OptionFactory.Value(
        "--fault-share", "part of several pictures that may be unusable", 0.05);
    private readonly Option<string?> _video = OptionFactory.Text(
        "--video",
        "draws a video, or a folder of frames, into this file: .mp4, .webm, .gif and others where ffmpeg is installed, an animated .png always");
    private readonly Option<FrameMode> _mode = OptionFactory.Choice(
        "--mode", "what a video shows", FrameMode.Heatmap, ("heatmap", FrameMode.Heatmap), ("overlay", FrameMode.Overlay));
    private readonly Option<string> _head = OptionFactory.Value(
        "--head", "whose attention a video shows: mean, all (side by side), or a head's number from 0", MeanHead);
    private readonly Option<double?> _fps = OptionFactory.Maybe<double>(
        "--fps", $"frames a second of the video; by default those of the video that is read, {AttentionVideo.UsualRate} of a folder");
    private readonly Option<string?> _videoFormat = OptionFactory.Text(
        "--video-format", "the reference's way to name a video: OUT/video.FORMAT");
    private readonly Option<string?> _voc = OptionFactory.Text(
        "--voc", "measures on PASCAL VOC 2012, in this folder (VOCdevkit/VOC2012), how well attention segments objects");
    private readonly Option<string> _split = OptionFactory.Value("--split", "which of the lists in ImageSets/Segmentation", "val");
    private readonly Option<string?> _masks = OptionFactory.Text(
        "--masks", "measures on your own pictures: folder of masks, PNG files of labels named as the pictures");
    private readonly ResultOptions _results = new();
    private readonly DecodingOptions _decoding = new();
    private readonly WeightsOptions _weights = new();

    public static Command Create()
    {
        var attention = new AttentionCommand();
        var command = new Command(
            "attention", "draw what each attention head of a Vision Transformer looks at, and measure how well it segments");
        command.Arguments.Add(attention._images);
        attention._imagePath.Hidden = attention._videoFormat.Hidden = true; // the reference's ways to say it
        Option[] own =
        [
            attention._imagePath, attention._out, attention._threshold, attention._imageSize, attention._faultShare,
            attention._video, attention._mode, attention._head, attention._fps, attention._videoFormat,
            attention._voc, attention._split, attention._masks,
        ];
        foreach (var option in own.Concat(attention._results.All).Concat(attention._decoding.All).Concat(attention._weights.All))
        {
            command.Options.Add(option);
        }

        command.SetAction(attention.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        double mass = parsed.GetValue(_threshold) is >= 0 and <= 1 and var share
            ? share
            : throw new RequestException("--threshold is a share of the attention, from 0 to 1");
        int[] size = parsed.GetValue(_imageSize) ?? [];
        if (size.Length > 2 || size.Any(side => side is < 1 or > EvaluationRecipe.MaxSize))
        {
            throw new RequestException(
                $"--image-size is one or two numbers from 1 to {EvaluationRecipe.MaxSize}, not {string.Join(' ', size)}");
        }

        return parsed.GetValue(_voc) is not null || parsed.GetValue(_masks) is not null ? Measure(parsed, mass, size, terminal)
            : VideoPath(parsed) is { } video ? DrawVideo(parsed, video, mass, size, terminal)
            : Draw(parsed, mass, size, terminal);
    }

    private int Draw(ParseResult parsed, double mass, int[] size, Terminal terminal)
    {
        string images = Images(parsed);
        string folder = parsed.GetValue(_out) ?? throw new RequestException("--out is missing: name a folder for the pictures");
        double faultShare = parsed.GetValue(_faultShare) is >= 0 and <= 1 and var part
            ? part
            : throw new RequestException("--fault-share is a part of the pictures, from 0 to 1");
        using var source = PictureFile.Is(images) ? null : ImageSources.Open(images);
        if (source is not null)
        {
            Wording.TellNotices(terminal, source);
        }

        using var network = _weights.LoadTransformer(parsed, terminal, Needed);
        var drawing = new AttentionDrawing(
            network, folder, mass, new PictureView(size), _decoding.Read(parsed, network.InputChannels));
        var faults = new FaultLog();
        var sheets = source is null ? [drawing.One(images)] : drawing.All(source, faults, faultShare, terminal);

        Wording.TellFaults(terminal, faults.Faults, source?.Count ?? 1, "were left out");
        terminal.Line(sheets.Count == 1
            ? sheets[0]
            : $"{folder}: {Wording.Number(sheets.Count)} pictures; the first is {sheets[0]}");
        terminal.Result(new JsonObject
        {
            ["heads"] = network.Options.Heads,
            ["sheets"] = new JsonArray([.. sheets.Select(s => JsonValue.Create(Path.GetFullPath(s)))]),
            ["skipped"] = new JsonArray([.. faults.Faults.Select(f => new JsonObject { ["name"] = f.Name, ["reason"] = f.Reason })]),
        });
        return 0;
    }

    /// <summary>The video that a command line asks for; null if it asks for none.</summary>
    private string? VideoPath(ParseResult parsed)
    {
        string? format = parsed.GetValue(_videoFormat);
        bool isVideo = (parsed.GetValue(_images) ?? parsed.GetValue(_imagePath)) is { } path
            && VideoEndings.Contains(Path.GetExtension(path).ToLowerInvariant());
        return parsed.GetValue(_video) is { } named ? named
            : format is null && !isVideo ? null
            : parsed.GetValue(_out) is { } folder ? Path.Combine(folder, "video" + (format is null ? AnimationWriter.UsualEnding : $".{format}"))
            : throw new RequestException("--video is missing: name the file that the video's attention is drawn to");
    }

    private int DrawVideo(ParseResult parsed, string video, double mass, int[] size, Terminal terminal)
    {
        if (parsed.GetValue(_fps) is <= 0)
        {
            throw new RequestException("--fps is a number of frames a second above 0");
        }

        if (Path.GetExtension(video).Length < 2)
        {
            throw new RequestException($"--video {video}: name a file with an ending, such as .mp4 or .png");
        }

        var frames = FrameSequence.Open(Images(parsed));
        using var network = _weights.LoadVideoTransformer(parsed, terminal, Needed);
        var drawing = new AttentionFrame { Mode = parsed.GetValue(_mode), Heads = Heads(parsed, network.Options.Heads), Mass = mass };
        terminal.Result(new AttentionVideo(network, drawing, new PictureView(size)).Run(frames, video, parsed.GetValue(_fps), terminal));
        return 0;
    }

    private int[] Heads(ParseResult parsed, int count) => parsed.GetValue(_head) switch
    {
        MeanHead => [],
        AllHeads => [.. Enumerable.Range(0, count)],
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int head) && head < count => [head],
        var text => throw new RequestException($"--head is mean, all or a number from 0 to {count - 1}, not '{text}'"),
    };

    private int Measure(ParseResult parsed, double mass, int[] size, Terminal terminal)
    {
        string? voc = parsed.GetValue(_voc), masks = parsed.GetValue(_masks);
        if (voc is not null && (masks ?? parsed.GetValue(_images)) is not null)
        {
            throw new RequestException("--voc has its own pictures and masks: leave out --masks and other pictures");
        }

        var images = voc is not null
            ? AnnotatedImages.OfVoc(voc, parsed.GetValue(_split)!)
            : AnnotatedImages.OfFolders(Images(parsed), masks!);
        string data = voc is not null ? $"VOC2012 {parsed.GetValue(_split)}" : FolderName(masks!);
        string[] folders = voc is not null ? [voc] : [Images(parsed), masks!];
        using var network = _weights.LoadTransformer(parsed, terminal, Needed);
        var options = size.Length > 0
            ? new SegmentationOptions { Mass = mass, Height = size[0], Width = size[^1] }
            : new SegmentationOptions { Mass = mass };
        var measure = new AttentionMeasure(network, images, options, _decoding.Read(parsed, network.InputChannels), terminal);
        string weights = _weights.PathOf(parsed);
        string? folder = parsed.GetValue(_out), results = _results.FolderOf(parsed, weights);
        var score = measure.Run(folder is null ? null : Path.Combine(folder, LogName), folders);

        if (folder is not null)
        {
            measure.DrawExamples(folder, "");
        }

        var record = measure.Record(score, (data, folders), weights);
        if (results is not null)
        {
            record = record with { Pictures = measure.DrawExamples(results, record.FileStem + "-") };
        }

        _results.Keep(parsed, record, terminal);
        terminal.Result(measure.Json(score, record));
        return 0;
    }

    private static int[] ParseSize(ArgumentResult result)
    {
        int[] sides = new int[result.Tokens.Count];
        for (int i = 0; i < sides.Length; i++)
        {
            if (!int.TryParse(result.Tokens[i].Value, NumberStyles.None, CultureInfo.InvariantCulture, out sides[i]))
            {
                // With one number the parser takes what stands behind it for a second.
                result.AddError($"--image-size is one or two numbers, not '{result.Tokens[i].Value}'; name pictures before the options");
                return [];
            }
        }

        return sides;
    }

    private string Images(ParseResult parsed) => parsed.GetValue(_images) ?? parsed.GetValue(_imagePath)
        ?? throw new RequestException("no picture is named: give a picture or a folder of pictures");

    private static string FolderName(string path) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
}
