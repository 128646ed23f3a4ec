namespace DinoSharp.Imaging.Animation;

/// <summary>
/// Writes frames into one file that shows them one after the other. A file is there only when <see cref="Complete"/> was called: what is
/// disposed before leaves none.
/// </summary>
public abstract class AnimationWriter : IDisposable
{
    private (int Width, int Height) _size;
    private bool _completed;

    private protected AnimationWriter(string path) => FilePath = path;

    private protected string FilePath { get; }

    /// <summary>Frames added so far.</summary>
    public int Count { get; private set; }

    /// <summary>The ending of the best kind of file that can be written here: .mp4 where ffmpeg is installed, else .png.</summary>
    public static string UsualEnding => Ffmpeg.IsInstalled ? ".mp4" : ".png";

    /// <summary>
    /// Begins a file: an animated PNG, which browsers show, if the name ends so (.png, .apng), else a video of the kind that the name's ending
    /// says (.mp4, .webm, .gif), for which the program ffmpeg must be installed.
    /// </summary>
    /// <param name="path">replaced if it is there</param>
    /// <param name="framesPerSecond">above 0</param>
    /// <exception cref="ImageFormatException">It is a video, and ffmpeg is not installed.</exception>
    public static AnimationWriter Create(string path, double framesPerSecond)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(framesPerSecond);
        return Path.GetExtension(path).ToLowerInvariant() is ".png" or ".apng"
            ? new AnimatedPng(path, framesPerSecond)
            : new VideoWriter(path, framesPerSecond);
    }

    /// <summary>Adds a frame.</summary>
    /// <param name="frame">RGB, of the first frame's size; the caller keeps it</param>
    /// <exception cref="ArgumentException">It is not RGB, or of another size.</exception>
    public void Add(PixelImage frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        frame.RequireRgb();
        _size = Count == 0 ? (frame.Width, frame.Height) : _size;
        if (_size != (frame.Width, frame.Height))
        {
            throw new ArgumentException($"{FilePath}: a frame has {frame.Width} x {frame.Height} pixels, the first {_size.Width} x {_size.Height}");
        }

        Append(frame, Count);
        Count++;
    }

    /// <summary>Ends the file, which then is whole.</summary>
    /// <exception cref="ImageFormatException">ffmpeg could not write it.</exception>
    /// <exception cref="InvalidOperationException">No frame was added.</exception>
    public void Complete()
    {
        if (Count == 0)
        {
            throw new InvalidOperationException($"{FilePath}: an animation needs a frame");
        }

        End();
        _completed = true;
    }

    public void Dispose()
    {
        Release();
        if (!_completed)
        {
            File.Delete(FilePath);
        }

        GC.SuppressFinalize(this);
    }

    private protected abstract void Append(PixelImage frame, int index);

    private protected abstract void End();

    private protected abstract void Release();
}
