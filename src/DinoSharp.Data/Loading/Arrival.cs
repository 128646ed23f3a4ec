using System.Runtime.ExceptionServices;

namespace DinoSharp.Data;

/// <summary>An image, or why it cannot be read.</summary>
internal readonly record struct Arrival(EncodedImage? Image, ExceptionDispatchInfo? Fault)
{
    /// <summary>The image, or the failure to read it.</summary>
    public EncodedImage Take()
    {
        Fault?.Throw();
        return Image!;
    }
}
