namespace DinoSharp.Data;

/// <summary>A set of images cannot be used. The message is one line: which set, why, and what to do.</summary>
public sealed class ImageSourceException : Exception
{
    public ImageSourceException(string path, string reason, Exception? cause = null)
        : base($"{path}: {reason}", cause)
    {
    }
}
