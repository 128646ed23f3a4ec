using DinoSharp.Cuda;
using static TorchSharp.torch;

namespace DinoSharp.Models.Products;

/// <summary>A float32 tensor of the CPU as the kernels take it.</summary>
internal static unsafe class Floats
{
    /// <summary>The address of its first number.</summary>
    public static float* Of(Tensor tensor) => (float*)TensorAddress.Of(tensor);
}
