using System.Globalization;
using System.Security.Cryptography;
using DinoSharp.Imaging;
using DinoSharp.Imaging.Animation;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;

namespace DinoSharp.Evaluation.Video;

/// <summary>Where a segmentation's files go.</summary>
/// <param name="Masks">a folder: an indexed PNG a frame, by the frame's name</param>
/// <param name="State">a file that says how far it is</param>
/// <param name="Overlays">a folder for frames with their masks in colour; null for none</param>
public sealed record SegmentationPlaces(string Masks, string State, string? Overlays = null);

/// <summary>What became of a segmentation.</summary>
/// <param name="Frames">frames with a mask</param>
/// <param name="Computed">those of them that were computed this time</param>
/// <param name="Lost">numbers of objects that are too small to be followed</param>
public sealed record SegmentationOutcome(int Frames, int Computed, IReadOnlyList<byte> Lost);

/// <summary>
/// Segments a whole video into files. What was interrupted goes on after the last frame that is known to be done, and ends with the same bits.
/// </summary>
/// <param name="network">on any device</param>
/// <param name="options">the protocol's values</param>
public sealed class SequenceSegmentation(VisionTransformer network, PropagationOptions options)
{
    /// <summary>Frames after which the state is written anew: so many are computed again at worst.</summary>
    private const int BetweenStates = 5;

    private readonly string _network = WeightsFingerprint.Of(network);

    /// <summary>Segments all frames that are not segmented yet.</summary>
    /// <param name="frames">the video</param>
    /// <param name="mask">of its first frame</param>
    /// <param name="places">where the files go</param>
    /// <param name="progress">told the frames done and how many of them were computed this time</param>
    /// <exception cref="EvaluationException">The places hold another segmentation, or the frames do not fit each other.</exception>
    public SegmentationOutcome Run(FrameSequence frames, IndexedImage mask, SegmentationPlaces places, Action<int, int>? progress = null)
    {
        using var first = frames.Frames().FirstOrDefault() ?? throw new EvaluationException($"{frames.Path}: has no frames");
        string request = Request(frames, first, mask);
        var bytesOf = Bytes(frames);
        var state = File.Exists(places.State) ? PropagationState.Load(places.State, request) : null;
        if (state is not null && !Enumerable.Range(0, state.Frames).All(i => File.Exists(MaskPath(places, frames, i))))
        {
            state = null; // masks were taken away: all of them are made again
        }

        if (state is not null && state.Bytes != bytesOf(state.Frames))
        {
            throw new EvaluationException(
                $"{places.State}: the folder holds a segmentation of other frames of these names; name another folder or delete this one");
        }

        if (state is { IsWhole: true })
        {
            return new(state.Frames, 0, state.Lost);
        }

        foreach (string? folder in new[] { places.Masks, places.Overlays, Path.GetDirectoryName(Path.GetFullPath(places.State)) })
        {
            Directory.CreateDirectory(folder ?? places.Masks);
        }

        using var segmenter = Begin(frames, first, mask, places);
        if (state is not null)
        {
            segmenter.Resume(state, frames.Frames(Math.Max(1, state.Frames - options.LastFrames)));
        }

        int before = segmenter.Frames;
        foreach (var frame in frames.Frames(before))
        {
            using (frame)
            {
                int index = segmenter.Frames;
                Write(frame, segmenter.Next(frame, $"{frames.Path}: frame {frames.NameOf(index)}"), places, frames.NameOf(index));
            }

            progress?.Invoke(segmenter.Frames, segmenter.Frames - before);
            if (segmenter.Frames % BetweenStates == 0)
            {
                Save(segmenter.State());
            }
        }

        Save(new PropagationState(segmenter.Frames, IsWhole: true, []));
        return new(segmenter.Frames, segmenter.Frames - before, segmenter.Lost);

        void Save(PropagationState done) =>
            (done with { Bytes = bytesOf(done.Frames), Lost = segmenter.Lost }).Save(places.State, request);
    }

    private static string MaskPath(SegmentationPlaces places, FrameSequence frames, int index) =>
        Path.Combine(places.Masks, frames.NameOf(index) + ".png");

    private static void Write(PixelImage frame, IndexedImage mask, SegmentationPlaces places, string name)
    {
        IndexedPng.Save(mask, Path.Combine(places.Masks, name + ".png"));
        if (places.Overlays is { } folder)
        {
            using var overlay = VideoOverlay.Draw(frame, mask);
            PngWriter.Save(overlay, Path.Combine(folder, name + ".png"));
        }
    }

    private VideoSegmenter Begin(FrameSequence frames, PixelImage first, IndexedImage mask, SegmentationPlaces places)
    {
        var segmenter = new VideoSegmenter(network, first, mask, options, $"{frames.Path}: frame {frames.NameOf(0)}");
        Write(first, new IndexedImage(mask.Width, mask.Height, mask.Indices), places, frames.NameOf(0));
        return segmenter;
    }

    /// <summary>All that the masks follow from, but for the frames behind the first one.</summary>
    private string Request(FrameSequence frames, PixelImage first, IndexedImage mask) => string.Create(CultureInfo.InvariantCulture,
        $"network {_network}, mask {Hash(mask.Indices)}, {frames.Count} frames from {frames.NameOf(0)} {Hash(first.Pixels)}, {options}");

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>How many bytes so many frames from the first one on have as files; a video is one file.</summary>
    private static Func<int, long> Bytes(FrameSequence frames)
    {
        if (File.Exists(frames.Path))
        {
            long whole = new FileInfo(frames.Path).Length;
            return _ => whole;
        }

        var lengths = new DirectoryInfo(frames.Path).EnumerateFiles()
            .ToLookup(file => Path.GetFileNameWithoutExtension(file.Name), file => file.Length);
        return count => Enumerable.Range(0, count).Sum(i => lengths[frames.NameOf(i)].Sum());
    }
}
