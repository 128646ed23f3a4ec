using System.Diagnostics;
using System.Globalization;

namespace DinoSharp.Imaging.Animation;

/// <summary>A video file, encoded by ffmpeg in a process of its own, which takes the frames' bytes.</summary>
internal sealed class VideoWriter : AnimationWriter
{
    private readonly double _framesPerSecond;
    private Process? _process;
    private Task<string> _errors = Task.FromResult("");

    public VideoWriter(string path, double framesPerSecond)
        : base(path)
    {
        if (!Ffmpeg.IsInstalled)
        {
            throw new ImageFormatException(path, "video files need the program ffmpeg, which is not installed: install it, or name a .png");
        }

        _framesPerSecond = framesPerSecond;
    }

    private protected override void Append(PixelImage frame, int index)
    {
        _process ??= Start(frame.Width, frame.Height);
        try
        {
            _process.StandardInput.BaseStream.Write(frame.Pixels);
        }
        catch (IOException error)
        {
            throw new ImageFormatException(FilePath, $"the video cannot be written ({Ffmpeg.FaultOf(_process, _errors) ?? error.Message})", error);
        }
    }

    private protected override void End()
    {
        _process!.StandardInput.Close();
        if (Ffmpeg.FaultOf(_process, _errors) is { } fault)
        {
            throw new ImageFormatException(FilePath, $"the video cannot be written ({fault})");
        }
    }

    private protected override void Release()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process?.Dispose();
    }

    private Process Start(int width, int height)
    {
        string rate = _framesPerSecond.ToString(CultureInfo.InvariantCulture);
        string size = string.Create(CultureInfo.InvariantCulture, $"{width}x{height}");

        // Colours at half the resolution are what all players can show; they need even sides.
        string[] colours = Path.GetExtension(FilePath).Equals(".gif", StringComparison.OrdinalIgnoreCase)
            ? []
            : ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p"];
        var process = Ffmpeg.Start(
            "ffmpeg", FilePath, ["-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", rate, "-i", "-", .. colours, "file:" + FilePath]);
        _errors = process.StandardError.ReadToEndAsync();
        return process;
    }
}
