namespace DinoSharp.Checkpoints;

/// <summary>A NumPy array of a pickle.</summary>
public sealed class PickledArray
{
    /// <summary>Its elements, row-major.</summary>
    public ArrayData Data { get; internal set; } = new(ElementType.UInt8, [0], ReadOnlyMemory<byte>.Empty);
}
