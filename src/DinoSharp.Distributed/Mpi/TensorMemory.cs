using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace DinoSharp.Distributed.Mpi;

/// <summary>Tensors as the bytes that MPI moves.</summary>
internal static unsafe class TensorMemory
{
    /// <summary>Where a tensor's values begin; torch's own memory, which does not move.</summary>
    /// <exception cref="ArgumentException">The tensor is not of a kind that ranks exchange.</exception>
    /// <exception cref="ProcessGroupException">It lies in the memory of another device.</exception>
    public static byte* AddressOf(Tensor values)
    {
        if (values.device_type != TorchSharp.DeviceType.CPU)
        {
            throw new ProcessGroupException(
                $"a tensor on {values.device} cannot go to other processes: MPI moves tensors in the computer's memory only (--device cpu)");
        }

        if (values.dtype is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.Int64) || !values.is_contiguous())
        {
            throw new ArgumentException($"ranks exchange contiguous tensors of float32, float64 and int64, not this one of {values.dtype}");
        }

        if (values.NumberOfElements == 0)
        {
            return null;
        }

        using var flat = values.detach().view(-1);
        using var first = flat.narrow(0, 0, 1); // a span has no room for the bytes of a large tensor
        return (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
    }

    public static long BytesOf(Tensor values) => values.NumberOfElements * values.ElementSize;
}
