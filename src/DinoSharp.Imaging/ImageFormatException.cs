namespace DinoSharp.Imaging;

/// <summary>An encoded image cannot be used. The message is one line: the image's name, and why.</summary>
public sealed class ImageFormatException : Exception
{
    public ImageFormatException(string name, string reason, Exception? cause = null)
        : base($"{name}: {reason}", cause)
    {
    }
}
