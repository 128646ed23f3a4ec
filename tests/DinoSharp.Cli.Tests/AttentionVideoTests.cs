using DinoSharp.Evaluation.Attention;
using DinoSharp.Imaging;
using DinoSharp.Imaging.Animation;
using DinoSharp.Models.Backbones;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Tests;

public sealed class AttentionVideoTests : IDisposable
{
    private const int Frames = 3;

    private readonly TestFolder _folder = new();
    private readonly VisionTransformer _network = SmallViT.Load();

    public AttentionVideoTests()
    {
        for (int i = 0; i < Frames; i++)
        {
            _folder.Write($"frames/{i:D3}.png", Pictures.Noisy(Pictures.Green, i, 45, 34));
        }
    }

    private string Input => Path.Combine(_folder.Path, "frames");

    public void Dispose()
    {
        _network.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Each_frame_of_an_animated_picture_is_the_mean_map_of_its_frame()
    {
        string video = Path.Combine(_folder.Path, "new/maps.png");
        var result = Run(Input, "--video", video, "--fps", "5", "--json").Succeeded();
        Assert.Equal((Frames, 5.0, video), ((int)result.Json["frames"]!, (double)result.Json["fps"]!, (string)result.Json["video"]!));
        var drawn = AnimatedFrames.Of(video);
        Assert.Equal(Frames, drawn.Count);
        for (int i = 0; i < Frames; i++)
        {
            using var frame = ImageDecoder.Load(Path.Combine(Input, $"{i:D3}.png"));
            using var expected = AttentionMaps.Mean(Maps(frame)).Heatmap();
            Assert.Equal((40, 32), (drawn[i].Width, drawn[i].Height));
            Assert.True(drawn[i].Pixels.SequenceEqual(expected.Pixels), $"frame {i}");
        }

        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(video)!)); // nothing is left beside it
    }

    [Fact]
    public void One_head_or_all_are_shown_as_overlays_or_beside_each_other()
    {
        string one = Path.Combine(_folder.Path, "one.png"), all = Path.Combine(_folder.Path, "all.png");
        Run(Input, "--video", one, "--head", "1", "--mode", "overlay", "--threshold", "0.3").Succeeded();
        Run(Input, "--video", all, "--head", "all").Succeeded();
        using var frame = ImageDecoder.Load(Path.Combine(Input, "002.png"));
        var heads = Maps(frame);
        using var overlay = heads[1].Overlay(frame, 0.3);
        Assert.True(AnimatedFrames.Of(one)[2].Pixels.SequenceEqual(overlay.Pixels));
        using var heat = heads[2].Heatmap();
        var row = AnimatedFrames.Of(all)[2];
        Assert.Equal((3 * 40 + 2 * 4, 32), (row.Width, row.Height));
        Assert.True(row.Pixels[^(40 * 3)..].SequenceEqual(heat.Pixels[^(40 * 3)..])); // the lowest line of the last head
    }

    [Fact]
    public void A_video_file_becomes_a_video_file_of_the_same_pace()
    {
        Assert.SkipUnless(Ffmpeg.IsInstalled, "ffmpeg is not installed");
        string input = Path.Combine(_folder.Path, "in.mp4"), output = Path.Combine(_folder.Path, "out");
        using (var writer = AnimationWriter.Create(input, 12))
        {
            foreach (var frame in FrameSequence.Open(Input).Frames())
            {
                writer.Add(frame);
                frame.Dispose();
            }

            writer.Complete();
        }

        Run("--input_path", input, "--output_path", output, "--video_format", "avi").Succeeded(); // as the reference's command line
        var video = FrameSequence.Open(Path.Combine(output, "video.avi"));
        Assert.Equal((Frames, 12.0), (video.Count, video.FramesPerSecond));
        Run(input, "--out", output).Succeeded();
        video = FrameSequence.Open(Path.Combine(output, "video.mp4"));
        using var first = video.Frames().First();
        Assert.Equal((40, 32), (first.Width, first.Height));
    }

    [Fact]
    public void What_cannot_be_drawn_is_one_line_and_leaves_the_file_that_was_there()
    {
        string video = _folder.WriteText("video.png", "earlier");
        _folder.Write("frames/003.png", Pictures.Noisy(Pictures.Green, 3, 34, 45));
        Run(Input, "--video", video).Failed(1, "frame 003", "34 x 45", "45 x 34", "--image-size HEIGHT WIDTH");
        Assert.Equal("earlier", File.ReadAllText(video));
        Assert.Equal(2, Directory.GetFileSystemEntries(_folder.Path).Length); // the frames and the earlier file
        Run(Input, "--video", video, "--image-size", "32", "40").Succeeded();
        Assert.Equal(Frames + 1, AnimatedFrames.Of(video).Count);
        Run(Input, "--video", video, "--head", "3").Failed(2, "--head", "0 to 2");
        Run(Input, "--video", video, "--fps", "0").Failed(2, "--fps");
        Run(Input, "--video", video[..^4]).Failed(2, "an ending");
        Run("/no/such.mp4", "--video", video).Failed(1, "/no/such.mp4", "check the path");
        Run("/no/such.mp4").Failed(2, "--video is missing");
    }

    private static DinoResult Run(params string[] arguments) => Dino.Run(["attention", .. arguments, .. SmallViT.Options]);

    private IReadOnlyList<AttentionMap> Maps(PixelImage frame)
    {
        using var scope = NewDisposeScope();
        return AttentionMaps.Of(_network, SmallViT.Normalized(frame), "frame");
    }
}
