using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace DinoSharp.Cuda;

/// <summary>Where tensors lie, on whatever device. TorchSharp tells it of the CPU's only.</summary>
public static partial class TensorAddress
{
    /// <summary>The address of a tensor's first value, in the memory of its device.</summary>
    public static nint Of(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        int error = DataPointer(tensor.Handle, out nint address);
        GC.KeepAlive(tensor);
        return error == 0 ? address : throw new CudaException($"torch does not tell where a tensor on {tensor.device} lies");
    }

    /// <summary>
    /// Of torch/csrc/inductor/aoti_torch/c/shim.h, torch's stable C interface. Its handle of a tensor is the address of an at::Tensor, which is
    /// what TorchSharp's handle is.
    /// </summary>
    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_get_data_ptr")]
    private static partial int DataPointer(nint tensor, out nint address);
}
