using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;

namespace DinoSharp.Checkpoints;

/// <summary>An n-dimensional array as it stands in a checkpoint: contiguous, row-major, little-endian.</summary>
public sealed class ArrayData
{
    /// <param name="type">The type of one element.</param>
    /// <param name="shape">The sizes, outermost first; empty for a scalar.</param>
    /// <param name="bytes">All elements, row-major and little-endian.</param>
    /// <exception cref="ArgumentException">The bytes are not as many as type and shape need.</exception>
    /// <exception cref="OverflowException">The shape is of more elements than any memory has.</exception>
    public ArrayData(ElementType type, IReadOnlyList<long> shape, ReadOnlyMemory<byte> bytes)
    {
        long needed = checked(CountOf(shape) * type.Size());
        if (bytes.Length != needed)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"{type} [{string.Join(", ", shape)}] takes {needed} bytes, not {bytes.Length}"), nameof(bytes));
        }

        Type = type;
        Shape = shape;
        Bytes = bytes;
    }

    /// <summary>The type of one element.</summary>
    public ElementType Type { get; }

    /// <summary>The sizes, outermost first; empty for a scalar.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>All elements, row-major and little-endian.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>How many elements there are.</summary>
    public long Count => CountOf(Shape);

    /// <summary>An array of single-precision numbers.</summary>
    public static ArrayData FromFloat32(ReadOnlySpan<float> values, params long[] shape) =>
        new(ElementType.Float32, shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>An array of 64-bit integers.</summary>
    public static ArrayData FromInt64(ReadOnlySpan<long> values, params long[] shape) =>
        new(ElementType.Int64, shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>The elements as single precision, rounded where their own type is wider.</summary>
    public float[] ToFloat32()
    {
        ReadOnlySpan<byte> bytes = Bytes.Span;
        if (Type == ElementType.Float32)
        {
            return MemoryMarshal.Cast<byte, float>(bytes).ToArray();
        }

        float[] values = new float[Count];
        int size = Type.Size();
        for (int i = 0; i < values.Length; i++)
        {
            ReadOnlySpan<byte> element = bytes.Slice(i * size, size);
            values[i] = Type switch
            {
                ElementType.Float64 => (float)BinaryPrimitives.ReadDoubleLittleEndian(element),
                ElementType.Float16 => (float)BinaryPrimitives.ReadHalfLittleEndian(element),
                ElementType.BFloat16 => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(element) << 16),
                ElementType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(element),
                ElementType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(element),
                ElementType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(element),
                ElementType.Int8 => (sbyte)element[0],
                _ => element[0],
            };
        }

        return values;
    }

    /// <summary>The elements as 64-bit integers.</summary>
    /// <exception cref="InvalidOperationException">The elements are not integers.</exception>
    public long[] ToInt64() => Type switch
    {
        ElementType.Int64 => MemoryMarshal.Cast<byte, long>(Bytes.Span).ToArray(),
        ElementType.Int32 => Widen<int>(),
        ElementType.Int16 => Widen<short>(),
        ElementType.Int8 => Widen<sbyte>(),
        ElementType.UInt8 or ElementType.Bool => Widen<byte>(),
        _ => throw new InvalidOperationException($"{Type} values are not integers"),
    };

    private long[] Widen<T>()
        where T : unmanaged, IBinaryInteger<T>
    {
        ReadOnlySpan<T> values = MemoryMarshal.Cast<byte, T>(Bytes.Span);
        long[] wide = new long[values.Length];
        for (int i = 0; i < wide.Length; i++)
        {
            wide[i] = long.CreateChecked(values[i]);
        }

        return wide;
    }

    private static long CountOf(IReadOnlyList<long> shape)
    {
        long count = 1;
        foreach (long size in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(shape));
            count = checked(count * size);
        }

        return count;
    }
}
