namespace DinoSharp.Imaging.Animation;

/// <summary>Pictures in the order of time: a folder of them, or a video file.</summary>
public abstract class FrameSequence
{
    private protected FrameSequence(string path) => Path = path;

    /// <summary>What was opened.</summary>
    public string Path { get; }

    /// <summary>Frames there are; of a video file, what its container says, which may be some off.</summary>
    public abstract int Count { get; }

    /// <summary>Of a video file as it says; a folder knows none.</summary>
    public abstract double? FramesPerSecond { get; }

    /// <summary>What a frame is called, without ending: a file's name, or its number in five digits.</summary>
    public abstract string NameOf(int index);

    /// <summary>Reads frames in RGB, turned as a camera's EXIF orientation says. Each is for the caller to dispose.</summary>
    /// <param name="first">the first one wanted</param>
    /// <exception cref="ImageFormatException">A frame cannot be read; the line names it.</exception>
    public abstract IEnumerable<PixelImage> Frames(int first = 0);

    /// <summary>Opens a folder of pictures, in the order of their names, or a video file, for which the program ffmpeg must be installed.</summary>
    /// <exception cref="ImageFormatException">There is nothing of that name, no picture in it, or the file is no video.</exception>
    public static FrameSequence Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Directory.Exists(path) ? new FrameFolder(path)
            : File.Exists(path) ? new VideoFile(path)
            : throw new ImageFormatException(path, "there is no such folder of frames or video file; check the path");
    }
}
