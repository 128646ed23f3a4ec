using System.Buffers;
using DinoSharp.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Weights;

/// <summary>Between torch's tensors and the arrays of a checkpoint.</summary>
public static class TensorArrays
{
    /// <summary>A copy of the tensor's values, wherever the tensor lives.</summary>
    public static ArrayData ToArray(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var values = tensor.detach().cpu().contiguous();
        return new ArrayData(ElementTypeOf(values.dtype), values.shape, values.bytes.ToArray());
    }

    /// <summary>
    /// The tensor's own memory where it lies on the CPU as a checkpoint has it, else a copy: for writing at once, while nothing moves the
    /// tensor, so that a state need not be in memory twice to be saved.
    /// </summary>
    public static ArrayData ViewOf(Tensor tensor) => tensor.device_type == DeviceType.CPU && tensor.is_contiguous()
        ? new ArrayData(ElementTypeOf(tensor.dtype), tensor.shape, new TensorMemory(tensor).Memory)
        : ToArray(tensor);

    /// <summary>Copies an array's values into a tensor of the same shape, converting to its element type and device.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static void CopyInto(ArrayData array, Tensor tensor)
    {
        if (!array.Shape.SequenceEqual(tensor.shape))
        {
            throw new ArgumentException($"[{string.Join(", ", array.Shape)}] does not fit into [{string.Join(", ", tensor.shape)}]");
        }

        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var values = empty(array.Shape.ToArray(), ScalarTypeOf(array.Type));
        if (array.Count > 0)
        {
            array.Bytes.Span.CopyTo(values.bytes);
        }

        tensor.copy_(values);
    }

    /// <summary>The bytes of a tensor, which stays its owner's.</summary>
    private sealed class TensorMemory(Tensor tensor) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => tensor.bytes;

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }

    private static ElementType ElementTypeOf(ScalarType type) => type switch
    {
        ScalarType.Float32 => ElementType.Float32,
        ScalarType.Float64 => ElementType.Float64,
        ScalarType.Float16 => ElementType.Float16,
        ScalarType.BFloat16 => ElementType.BFloat16,
        ScalarType.Int64 => ElementType.Int64,
        ScalarType.Int32 => ElementType.Int32,
        ScalarType.Int16 => ElementType.Int16,
        ScalarType.Int8 => ElementType.Int8,
        ScalarType.Byte => ElementType.UInt8,
        ScalarType.Bool => ElementType.Bool,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no checkpoint holds such elements"),
    };

    private static ScalarType ScalarTypeOf(ElementType type) => type switch
    {
        ElementType.Float32 => ScalarType.Float32,
        ElementType.Float64 => ScalarType.Float64,
        ElementType.Float16 => ScalarType.Float16,
        ElementType.BFloat16 => ScalarType.BFloat16,
        ElementType.Int64 => ScalarType.Int64,
        ElementType.Int32 => ScalarType.Int32,
        ElementType.Int16 => ScalarType.Int16,
        ElementType.Int8 => ScalarType.Int8,
        ElementType.UInt8 => ScalarType.Byte,
        ElementType.Bool => ScalarType.Bool,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not an element type"),
    };
}
