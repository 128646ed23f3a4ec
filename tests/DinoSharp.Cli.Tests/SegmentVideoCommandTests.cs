using DinoSharp.Imaging;
using DinoSharp.Imaging.Animation;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

public sealed class SegmentVideoCommandTests
{
    private static readonly VideoScene Scene = new(12, 2, (8, 8, 24), (64, 24, 32));
    private static readonly string[] Settings = ["--image-size", "64", "--n-last-frames", "3", .. SmallViT.Options];

    [Fact]
    public void A_folder_of_frames_is_segmented_and_what_was_interrupted_ends_with_the_same_bits()
    {
        using TestFolder folder = new();
        WriteFrames(folder, "frames", 12);
        var marked = Scene.Mask(0);
        marked.Indices[VideoScene.Width + 1] = 3; // a pixel in no patch's middle
        string mask = folder.Write("mask.png", IndexedPng.Encode(marked));
        string whole = Path.Combine(folder.Path, "whole"), parts = Path.Combine(folder.Path, "parts");

        var result = Segment(folder, "frames", mask, whole).Succeeded();

        Assert.Equal((12, 11, 3), ((int)result.Json["frames"]!, (int)result.Json["computed"]!, (int)result.Json["objects"]!));
        Assert.Equal([3], Lost(result));
        Assert.Equal(12, Directory.GetFiles(Path.Combine(whole, "masks")).Length);
        var last = IndexedPng.Load(Path.Combine(whole, "masks", "00011.png"));
        Assert.Equal(new byte[] { 0, 1, 2 }, last.Indices.Distinct().Order());
        Assert.Equal(IndexedImage.DavisPalette, last.Palette.ToArray());
        using (var overlay = ImageDecoder.Load(Path.Combine(whole, "overlays", "00000.png")))
        {
            int inside = 3 * (20 * VideoScene.Width + 20), outside = 3 * (4 * VideoScene.Width + 4);
            using var frame = ImageDecoder.Load(Path.Combine(folder.Path, "frames", "00000.jpg"));
            Assert.Equal((frame.Pixels[inside] + 128) / 2, overlay.Pixels[inside]);
            Assert.Equal(frame.Pixels[outside], overlay.Pixels[outside]);
        }

        string video = (string)result.Json["video"]!;
        Assert.True(new FileInfo(video).Length > 0);
        if (Ffmpeg.IsInstalled)
        {
            Assert.Equal((12, 24.0), (FrameSequence.Open(video).Count, FrameSequence.Open(video).FramesPerSecond));
        }

        // Frame 8 cannot be read: five are known to be done. With the frame as it was, the rest is made.
        string eighth = Path.Combine(folder.Path, "frames", "00008.jpg");
        byte[] bytes = File.ReadAllBytes(eighth);
        File.WriteAllText(eighth, "damaged");
        Segment(folder, "frames", mask, parts).FailedLast(1, "00008.jpg");
        File.WriteAllBytes(eighth, bytes);
        Assert.Equal(7, (int)Segment(folder, "frames", mask, parts).Succeeded().Json["computed"]!);
        foreach (string file in Directory.GetFiles(Path.Combine(whole, "masks")))
        {
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(parts, "masks", Path.GetFileName(file))));
        }

        var again = Segment(folder, "frames", mask, parts).Succeeded();
        Assert.Equal(0, (int)again.Json["computed"]!);
        Assert.Equal([3], Lost(again));

        // Frames of the same names and number that are others.
        File.WriteAllBytes(eighth, [.. bytes, 0]);
        Segment(folder, "frames", mask, parts).FailedLast(1, "segmentation.safetensors", "other frames");
        File.WriteAllBytes(Path.Combine(folder.Path, "frames", "00000.jpg"), Scene.Jpeg(1));
        Segment(folder, "frames", mask, parts).FailedLast(1, "segmentation.safetensors", "frames or first mask");

        static IEnumerable<int> Lost(DinoResult result) => result.Json["lost_objects"]!.AsArray().Select(number => (int)number!);
    }

    [Fact]
    public void A_video_file_is_as_good_as_a_folder()
    {
        using TestFolder folder = new();
        string mask = folder.Write("mask.png", IndexedPng.Encode(Scene.Mask(0)));
        string video = Path.Combine(folder.Path, "video.mkv");
        if (!Ffmpeg.IsInstalled)
        {
            File.WriteAllText(video, "a video");
            Segment(folder, "video.mkv", mask, Path.Combine(folder.Path, "out")).FailedLast(1, "video.mkv", "ffmpeg", "a folder of frames");
            return;
        }

        using (var writer = AnimationWriter.Create(video, 12))
        {
            for (int t = 0; t < 4; t++)
            {
                using var frame = ImageDecoder.Decode(Scene.Jpeg(t), "frame");
                writer.Add(frame);
            }

            writer.Complete();
        }

        var result = Segment(folder, "video.mkv", mask, Path.Combine(folder.Path, "out")).Succeeded();
        Assert.Equal((4, 3), ((int)result.Json["frames"]!, (int)result.Json["computed"]!));
        Assert.Equal(12.0, FrameSequence.Open((string)result.Json["video"]!).FramesPerSecond);
    }

    [Fact]
    public void What_does_not_fit_is_one_line()
    {
        using TestFolder folder = new();
        WriteFrames(folder, "frames", 2);
        string mask = folder.Write("mask.png", IndexedPng.Encode(Scene.Mask(0)));
        string small = folder.Write("small.png", IndexedPng.Encode(new IndexedImage(4, 4, [.. Enumerable.Repeat((byte)1, 16)])));
        string empty = folder.Write("empty.png", IndexedPng.Encode(new IndexedImage(4, 4, new byte[16])));
        string frames = Path.Combine(folder.Path, "frames"), mine = Path.Combine(folder.Path, "out");

        Segment(folder, "frames", small, mine).FailedLast(1, "00000", "128 x 64", "4 x 4");
        Segment(folder, "frames", empty, mine).FailedLast(2, "empty.png", "no object");
        Segment(folder, "frames", Path.Combine(frames, "00000.jpg"), mine).FailedLast(1, "00000.jpg", "no PNG");
        Segment(folder, "none", mask, mine).FailedLast(1, "none", "no such folder");
        Dino.Run("segment-video", frames, "--out", mine).Failed(2, "--mask is missing");
        Dino.Run("segment-video", frames, "--mask", mask).Failed(2, "--out is missing");
        folder.Write("frames/00001.jpg", TestFolder.Png(1));
        Segment(folder, "frames", mask, mine).FailedLast(1, "frame 00001", "20 x 15", "one size");
    }

    private static void WriteFrames(TestFolder folder, string name, int count)
    {
        for (int t = 0; t < count; t++)
        {
            folder.Write($"{name}/{t:D5}.jpg", Scene.Jpeg(t));
        }
    }

    private static DinoResult Segment(TestFolder folder, string frames, string mask, string results) =>
        Dino.Run(["segment-video", Path.Combine(folder.Path, frames), "--mask", mask, "--out", results, .. Settings, "--json"]);
}
