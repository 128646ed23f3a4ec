namespace DinoSharp.Checkpoints;

/// <summary>The memory that one or more tensors of a torch.save file look into.</summary>
/// <param name="Type">of an element</param>
/// <param name="Bytes">all elements; null where a file's structure is read without them</param>
internal sealed record TorchStorage(ElementType Type, ReadOnlyMemory<byte>? Bytes)
{
    private static readonly Dictionary<string, ElementType> Types = new(StringComparer.Ordinal)
    {
        ["FloatStorage"] = ElementType.Float32,
        ["DoubleStorage"] = ElementType.Float64,
        ["HalfStorage"] = ElementType.Float16,
        ["BFloat16Storage"] = ElementType.BFloat16,
        ["LongStorage"] = ElementType.Int64,
        ["IntStorage"] = ElementType.Int32,
        ["ShortStorage"] = ElementType.Int16,
        ["CharStorage"] = ElementType.Int8,
        ["ByteStorage"] = ElementType.UInt8,
        ["BoolStorage"] = ElementType.Bool,
    };

    /// <summary>The element type behind a storage class of torch.</summary>
    public static bool TryTypeOf(string className, out ElementType type) => Types.TryGetValue(className, out type);

    /// <summary>The storage class of torch for an element type.</summary>
    public static string ClassOf(ElementType type) => Types.First(t => t.Value == type).Key;

    /// <summary>The tensor that looks into this memory with a shape and strides, in row-major order.</summary>
    /// <param name="offset">first element</param>
    /// <param name="shape">sizes, outermost first</param>
    /// <param name="strides">elements from one index to the next, as long as <paramref name="shape"/></param>
    /// <param name="copyBudget">bytes that views which are no plain run of memory may still take; what this one takes is subtracted</param>
    /// <exception cref="InvalidDataException">The view leaves the memory or the budget.</exception>
    public ArrayData View(long offset, long[] shape, long[] strides, ref long copyBudget)
    {
        if (offset < 0 || shape.Length != strides.Length || shape.Any(s => s < 0) || strides.Any(s => s < 0))
        {
            throw new InvalidDataException("a tensor's shape and strides are not possible");
        }

        long count = 1, last = offset;
        bool contiguous = true;
        for (int d = shape.Length - 1; d >= 0; d--)
        {
            contiguous &= shape[d] == 1 || strides[d] == count;
            last = checked(last + Math.Max(shape[d] - 1, 0) * strides[d]);
            count = checked(count * shape[d]);
        }

        int size = Type.Size();
        var bytes = Bytes ?? throw new InvalidOperationException("no memory was read");
        if (count == 0)
        {
            return new ArrayData(Type, shape, ReadOnlyMemory<byte>.Empty);
        }

        if (last >= bytes.Length / size)
        {
            throw new InvalidDataException("a tensor reaches beyond its memory");
        }

        if (contiguous)
        {
            return new ArrayData(Type, shape, bytes.Slice(checked((int)(offset * size)), checked((int)(count * size))));
        }

        copyBudget -= checked(count * size);
        if (copyBudget < 0)
        {
            throw new InvalidDataException("its tensors would take far more memory than the file");
        }

        return new ArrayData(Type, shape, Gather(bytes.Span, offset, shape, strides, checked((int)(count * size))));
    }

    private byte[] Gather(ReadOnlySpan<byte> source, long offset, long[] shape, long[] strides, int length)
    {
        int size = Type.Size();
        byte[] target = new byte[length];
        long[] index = new long[shape.Length];
        for (int at = 0; at < length; at += size)
        {
            source.Slice((int)(offset * size), size).CopyTo(target.AsSpan(at));
            for (int d = shape.Length - 1; d >= 0; d--)
            {
                offset += strides[d];
                if (++index[d] < shape[d])
                {
                    break;
                }

                offset -= shape[d] * strides[d];
                index[d] = 0;
            }
        }

        return target;
    }
}
