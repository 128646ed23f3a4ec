using DinoSharp.Imaging.Animation;

namespace DinoSharp.Imaging.Tests;

public sealed class AnimationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dinosharp-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>ffmpeg reads every frame of an animated PNG back as it was; the first one any decoder does.</summary>
    [Fact]
    public void An_animated_PNG_is_read_as_it_was_written()
    {
        string path = Path.Combine(_folder, "animation.png");
        PixelImage[] frames = [.. Enumerable.Range(0, 3).Select(seed => Fixture.Random(33, 20, seed))];
        Write(path, frames);

        using (PixelImage first = ImageDecoder.Load(path))
        {
            Fixture.AssertSame(frames[0], first, "the first frame");
        }

        Assert.SkipUnless(Ffmpeg.IsInstalled, "ffmpeg is not installed");
        string apng = Path.ChangeExtension(path, ".apng"); // by the name ffmpeg knows that there is more than one
        File.Move(path, apng);
        FrameSequence read = FrameSequence.Open(apng);
        Assert.Equal((3, 25.0), (read.Count, read.FramesPerSecond));
        AssertFrames(frames, read.Frames());
        AssertFrames(frames[2..], read.Frames(2));
        AssertFrames(frames[..1], read.Frames().Take(1)); // ends ffmpeg early
    }

    [Fact]
    public void A_video_is_written_and_read()
    {
        Assert.SkipUnless(Ffmpeg.IsInstalled, "ffmpeg is not installed");
        string path = Path.Combine(_folder, "video.mkv");
        PixelImage[] frames = [.. Enumerable.Range(0, 6).Select(i => Plain((byte)(40 * i)))];
        Write(path, frames);

        FrameSequence read = FrameSequence.Open(path);
        Assert.Equal((6, 25.0, "00003"), (read.Count, read.FramesPerSecond, read.NameOf(3)));
        int index = 0;
        foreach (PixelImage frame in read.Frames())
        {
            using (frame)
            {
                Assert.Equal((34, 20), (frame.Width, frame.Height)); // sides are made even
                Assert.InRange(frame.Pixels[30], 40 * index - 4, 40 * index + 4);
                index++;
            }
        }

        Assert.Equal(6, index);
    }

    [Fact]
    public void A_folder_is_read_in_the_order_of_names()
    {
        PixelImage[] frames = [.. Enumerable.Range(0, 3).Select(seed => Fixture.Random(9, 8, seed))];
        for (int i = 0; i < 3; i++)
        {
            PngWriter.Save(frames[i], Path.Combine(_folder, $"frame{i}.png"));
        }

        File.WriteAllText(Path.Combine(_folder, "notes.txt"), "no frame");
        FrameSequence read = FrameSequence.Open(_folder);
        Assert.Equal((3, null, "frame1"), (read.Count, read.FramesPerSecond, read.NameOf(1)));
        AssertFrames(frames[1..], read.Frames(1));
    }

    [Fact]
    public void What_cannot_be_read_is_one_line_and_what_is_not_completed_leaves_no_file()
    {
        Assert.Contains("no such folder", Fault("/no/such"), StringComparison.Ordinal);
        Assert.Contains("no frames", Fault(_folder), StringComparison.Ordinal);
        string words = Path.Combine(_folder, "words.mp4");
        File.WriteAllText(words, "this is no video");
        Assert.Contains(Ffmpeg.IsInstalled ? "no video" : "not installed", Fault(words), StringComparison.Ordinal);

        string path = Path.Combine(_folder, "never.png");
        using (AnimationWriter writer = AnimationWriter.Create(path, 25))
        {
            using PixelImage frame = Plain(1), other = Fixture.Random(8, 8, 1);
            writer.Add(frame);
            Assert.Throws<ArgumentException>(() => writer.Add(other));
        }

        Assert.False(File.Exists(path));
    }

    private static string Fault(string path)
    {
        string message = Assert.Throws<ImageFormatException>(() => FrameSequence.Open(path)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    private static void Write(string path, PixelImage[] frames)
    {
        using AnimationWriter writer = AnimationWriter.Create(path, 25);
        foreach (PixelImage frame in frames)
        {
            writer.Add(frame);
        }

        writer.Complete();
    }

    private static PixelImage Plain(byte level)
    {
        PixelImage image = new(33, 20);
        image.Pixels.Fill(level);
        return image;
    }

    private static void AssertFrames(PixelImage[] expected, IEnumerable<PixelImage> actual)
    {
        int index = 0;
        foreach (PixelImage frame in actual)
        {
            using (frame)
            {
                Fixture.AssertSame(expected[index], frame, $"frame {index}");
                index++;
            }
        }

        Assert.Equal(expected.Length, index);
    }
}
