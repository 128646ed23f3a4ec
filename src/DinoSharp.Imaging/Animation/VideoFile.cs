using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace DinoSharp.Imaging.Animation;

/// <summary>
/// A video file, decoded by ffmpeg in a process of its own, which hands over each frame as a PPM image: a line of text with its size and its
/// bytes in RGB. Frames are evenly spaced, as their number is what the rest of the program knows of time.
/// </summary>
internal sealed class VideoFile : FrameSequence
{
    private const int LongestHeader = 64;

    public VideoFile(string path)
        : base(path)
    {
        using Process probe = Ffmpeg.Start(
            "ffprobe", path, "-select_streams", "v:0", "-count_packets", "-show_entries", "stream=avg_frame_rate,nb_read_packets", "-of", "json",
            Local(path));
        probe.StandardInput.Close();
        Task<string> errors = probe.StandardError.ReadToEndAsync();
        string found = probe.StandardOutput.ReadToEnd();
        if (Ffmpeg.FaultOf(probe, errors) is { } fault)
        {
            throw new ImageFormatException(path, $"is no video that can be read ({fault})");
        }

        using JsonDocument json = JsonDocument.Parse(found);
        if (!json.RootElement.TryGetProperty("streams", out JsonElement streams) || streams.GetArrayLength() == 0)
        {
            throw new ImageFormatException(path, "has no pictures in it: it is no video");
        }

        JsonElement stream = streams[0];
        Count = stream.TryGetProperty("nb_read_packets", out JsonElement packets)
            ? int.Parse(packets.GetString()!, CultureInfo.InvariantCulture)
            : 0;
        FramesPerSecond = stream.TryGetProperty("avg_frame_rate", out JsonElement rate) ? Fraction(rate.GetString()!) : null;
    }

    public override int Count { get; }

    public override double? FramesPerSecond { get; }

    public override string NameOf(int index) => index.ToString("D5", CultureInfo.InvariantCulture);

    public override IEnumerable<PixelImage> Frames(int first = 0)
    {
        using Process process = Ffmpeg.Start("ffmpeg", Path, "-i", Local(Path), "-map", "0:v:0", "-f", "image2pipe", "-c:v", "ppm", "-");
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        bool ended = false;
        try
        {
            using BufferedStream stream = new(process.StandardOutput.BaseStream, 1 << 20);
            for (int i = 0; Read(stream) is { } frame; i++)
            {
                if (i >= first)
                {
                    yield return frame;
                }
                else
                {
                    frame.Dispose();
                }
            }

            ended = true;
            if (Ffmpeg.FaultOf(process, errors) is { } fault)
            {
                throw new ImageFormatException(Path, $"the video is damaged ({fault})");
            }
        }
        finally
        {
            if (!ended)
            {
                process.Kill(); // whoever reads wants no more
            }
        }
    }

    /// <summary>The next image of the stream; null at its end.</summary>
    private PixelImage? Read(Stream stream)
    {
        StringBuilder header = new();
        for (int lines = 0; lines < 3;) // P6, width and height, 255
        {
            int next = stream.ReadByte();
            if (next < 0 && header.Length == 0)
            {
                return null;
            }

            if (next < 0 || header.Length == LongestHeader)
            {
                throw new ImageFormatException(Path, "ffmpeg hands over no images");
            }

            header.Append((char)next);
            lines += next == '\n' ? 1 : 0;
        }

        string[] words = header.ToString().Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length != 4 || words[0] != "P6" || words[3] != "255"
            || !int.TryParse(words[1], CultureInfo.InvariantCulture, out int width) || !int.TryParse(words[2], CultureInfo.InvariantCulture, out int height))
        {
            throw new ImageFormatException(Path, "ffmpeg hands over no images of 8 bits");
        }

        ImageDecoder.CheckSize(width, height, Path, new DecodeOptions());
        PixelImage image = new(width, height);
        if (stream.ReadAtLeast(image.Pixels, image.Pixels.Length, throwOnEndOfStream: false) < image.Pixels.Length)
        {
            image.Dispose();
            throw new ImageFormatException(Path, "the video ends in the midst of a frame");
        }

        return image;
    }

    private static double? Fraction(string text)
    {
        double[] parts = [.. text.Split('/').Select(part => double.Parse(part, CultureInfo.InvariantCulture))];
        return parts is [> 0, > 0] ? parts[0] / parts[1] : null;
    }

    /// <summary>A path that ffmpeg takes for no option and no address.</summary>
    private static string Local(string path) => "file:" + path;
}
