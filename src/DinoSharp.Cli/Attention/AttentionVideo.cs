using System.Text.Json.Nodes;
using DinoSharp.Evaluation;
using DinoSharp.Evaluation.Attention;
using DinoSharp.Imaging;
using DinoSharp.Imaging.Animation;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;

namespace DinoSharp.Cli.Attention;

/// <summary>Draws the attention of a video, frame by frame as it is read.</summary>
/// <param name="network">whose attention; it takes RGB</param>
/// <param name="drawing">how a frame shows it</param>
/// <param name="view">the size at which attention is computed</param>
internal sealed class AttentionVideo(VisionTransformer network, AttentionFrame drawing, PictureView view)
{
    private const string BesideMark = ".partial";

    /// <summary>Frames a second of a folder of them, where nothing is said: as in the reference.</summary>
    public const double UsualRate = 30;

    /// <summary>Draws all frames into a file, which is there when it is whole.</summary>
    /// <param name="frames">what is drawn</param>
    /// <param name="path">the file; replaced if it is there</param>
    /// <param name="framesPerSecond">null takes the video's own</param>
    /// <param name="terminal">told how far it is</param>
    /// <returns>what was made, for programs</returns>
    /// <exception cref="EvaluationException">Frames have several sizes, or there is none.</exception>
    public JsonObject Run(FrameSequence frames, string path, double? framesPerSecond, Terminal terminal)
    {
        double rate = framesPerSecond ?? frames.FramesPerSecond ?? UsualRate;
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);

        // The ending says what kind of file it is, so the mark stands before it.
        string beside = $"{Path.ChangeExtension(path, null)}{BesideMark}{Path.GetExtension(path)}";
        (int Width, int Height)? size = null;
        int total = Math.Max(1, frames.Count), count = 0;
        using (var progress = new ImageProgress(terminal, "attention", total))
        using (var writer = AnimationWriter.Create(beside, rate))
        {
            foreach (var frame in frames.Frames())
            {
                using (frame)
                using (var seen = view.Of(frame, network.Options.PatchSize))
                {
                    string name = $"{frames.Path}, frame {frames.NameOf(count)}";
                    size ??= (seen.Width, seen.Height);
                    Require(size.Value, seen, name);
                    using var drawn = drawing.Draw(seen, AttentionMaps.Of(network, seen, name));
                    writer.Add(drawn);
                }

                TorchRuntime.Sweep();
                progress.Show(Math.Min(++count, total)); // a container's count may be some off
            }

            if (count == 0)
            {
                throw new EvaluationException($"{frames.Path}: has no frames; give a video or a folder of pictures");
            }

            writer.Complete();
            progress.Finish();
        }

        File.Move(beside, path, overwrite: true);
        terminal.Line($"{path}: {Wording.Number(count)} frames");
        return new JsonObject
        {
            ["video"] = Path.GetFullPath(path),
            ["frames"] = count,
            ["fps"] = rate,
            ["heads"] = network.Options.Heads,
        };
    }

    private static void Require((int Width, int Height) size, PixelImage seen, string name)
    {
        if (size != (seen.Width, seen.Height))
        {
            throw new EvaluationException(
                $"{name}: is seen at {seen.Width} x {seen.Height} pixels, the first at {size.Width} x {size.Height}; "
                + "give frames of one shape, or height and width for all: --image-size HEIGHT WIDTH");
        }
    }
}
