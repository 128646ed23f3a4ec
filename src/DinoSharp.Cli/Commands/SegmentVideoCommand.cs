using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Evaluation.Video;
using DinoSharp.Imaging;
using DinoSharp.Imaging.Animation;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Commands;

/// <summary>dino segment-video: follows the objects of the first frame's mask through a video (arXiv 2104.14294, section 4.2.2).</summary>
internal sealed class SegmentVideoCommand
{
    private const double UsualFramesPerSecond = 24;
    private const string MaskFolder = "masks";
    private const string OverlayFolder = "overlays";

    private readonly Argument<string> _frames = new("frames")
    {
        Description = "a folder of frames, or a video file (which needs the program ffmpeg)",
    };

    private readonly Option<string?> _mask = Text(
        "--mask", "the first frame's mask: a PNG with a palette (or grey), 0 where there is no object, any other number an object");
    private readonly Option<string?> _out = Text(
        "--out", "folder for the masks, the overlays and a video of them; goes on where it holds an unfinished one", "--output-dir");
    private readonly Option<double?> _fps = Maybe<double>(
        "--fps", $"frames a second of the overlays' video; by default the video's own, of a folder {UsualFramesPerSecond}");
    private readonly PropagationSettings _propagation = new();
    private readonly WeightsOptions _weights = new();

    public static Command Create()
    {
        var verb = new SegmentVideoCommand();
        var command = new Command("segment-video", "follow objects through a video, from a mask of its first frame on");
        command.Arguments.Add(verb._frames);
        Option[] own = [verb._mask, verb._out, verb._fps];
        foreach (var option in own.Concat(verb._propagation.All).Concat(verb._weights.All))
        {
            command.Options.Add(option);
        }

        command.SetAction(verb.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        string path = parsed.GetValue(_frames)!;
        string maskPath = parsed.GetValue(_mask)
            ?? throw new RequestException("--mask is missing: give the first frame's mask, a PNG with a palette (0 background, 1, 2, ... objects)");
        string folder = parsed.GetValue(_out) ?? throw new RequestException("--out is missing: name a folder for the masks");
        var options = _propagation.Read(parsed);
        double? fps = parsed.GetValue(_fps) is null or > 0 and <= 1000
            ? parsed.GetValue(_fps)
            : throw new RequestException("--fps is above 0 and at most 1000");
        var mask = IndexedPng.Load(maskPath);
        int objects = mask.Indices.Where(number => number != 0).Distinct().Count();
        if (objects == 0)
        {
            throw new RequestException($"{maskPath}: marks no object: all of its numbers are 0");
        }

        var frames = FrameSequence.Open(path);
        using var network = _weights.LoadVideoTransformer(parsed, terminal, PropagationSettings.Needed);

        long start = TimeProvider.System.GetTimestamp();
        var places = new SegmentationPlaces(
            Path.Combine(folder, MaskFolder), Path.Combine(folder, "segmentation.safetensors"), Path.Combine(folder, OverlayFolder));
        var outcome = FrameProgress.Around(
            terminal, "segment", frames.Count, show => new SequenceSegmentation(network, options).Run(frames, mask, places, show));
        double rate = outcome.Computed / TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        string video = Animate(folder, fps ?? frames.FramesPerSecond ?? UsualFramesPerSecond);

        if (outcome.Lost.Count > 0)
        {
            terminal.Line($"too small to be followed: object {string.Join(", ", outcome.Lost)} (give a larger --image-size)");
        }

        string told = outcome.Computed == 0
            ? "all were there already"
            : string.Create(CultureInfo.InvariantCulture, $"{Wording.Number(outcome.Computed)} computed now, {rate:G3} frames/s");
        terminal.Line($"{folder}: {Wording.Number(outcome.Frames)} frames, {objects} object(s); {told}");
        terminal.Line(video);
        terminal.Result(new JsonObject
        {
            ["frames"] = outcome.Frames,
            ["computed"] = outcome.Computed,
            ["objects"] = objects,
            ["lost_objects"] = new JsonArray([.. outcome.Lost.Select(number => JsonValue.Create((int)number))]),
            ["frames_per_second"] = outcome.Computed == 0 ? null : rate,
            ["masks"] = Path.GetFullPath(places.Masks),
            ["overlays"] = Path.GetFullPath(places.Overlays!),
            ["video"] = Path.GetFullPath(video),
        });
        return 0;
    }

    /// <summary>The overlays one after the other, in one file.</summary>
    private static string Animate(string folder, double framesPerSecond)
    {
        string path = Path.Combine(folder, "overlay" + AnimationWriter.UsualEnding);
        using var writer = AnimationWriter.Create(path, framesPerSecond);
        foreach (var frame in FrameSequence.Open(Path.Combine(folder, OverlayFolder)).Frames())
        {
            using (frame)
            {
                writer.Add(frame);
            }
        }

        writer.Complete();
        return path;
    }
}
