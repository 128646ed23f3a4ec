namespace DinoSharp.Checkpoints;

/// <summary>The type of an array's elements, as PyTorch and safetensors know it.</summary>
public enum ElementType
{
    /// <summary>IEEE single precision.</summary>
    Float32,

    /// <summary>IEEE double precision.</summary>
    Float64,

    /// <summary>IEEE half precision.</summary>
    Float16,

    /// <summary>The upper half of a single-precision number.</summary>
    BFloat16,

    /// <summary>Signed, 8 bytes.</summary>
    Int64,

    /// <summary>Signed, 4 bytes.</summary>
    Int32,

    /// <summary>Signed, 2 bytes.</summary>
    Int16,

    /// <summary>Signed, 1 byte.</summary>
    Int8,

    /// <summary>Unsigned, 1 byte.</summary>
    UInt8,

    /// <summary>One byte, 0 or 1.</summary>
    Bool,
}

/// <summary>What follows from an element's type alone.</summary>
public static class ElementTypes
{
    /// <summary>Bytes an element takes.</summary>
    public static int Size(this ElementType type) => type switch
    {
        ElementType.Float64 or ElementType.Int64 => 8,
        ElementType.Float32 or ElementType.Int32 => 4,
        ElementType.Float16 or ElementType.BFloat16 or ElementType.Int16 => 2,
        ElementType.Int8 or ElementType.UInt8 or ElementType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not an element type"),
    };
}
