using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using DinoSharp.Models.Products;
using static TorchSharp.torch;

namespace DinoSharp.Models;

/// <summary>
/// What multiplies matrices on the CPU. Torch asks MKL, which gives AMD processors its AVX2 code only; oneDNN, which torch
/// carries too, has AVX-512 code for all. Torch hands products to oneDNN where it is allowed to compute inside with bfloat16. On a
/// processor without matrix tiles oneDNN has no use for that permission and keeps single precision, at up to twice MKL's rate.
/// </summary>
internal static partial class MatrixKernels
{
    private const string Torch = "libtorch_cpu.so";

    // Of ATen/Context.h: Float32Backend, Float32Op and Float32Precision.
    private const int OneDnn = 2;
    private const int MatrixProduct = 3;
    private const int AsTheBackendDecides = 0;
    private const int BFloat16 = 3;

    // "Auth", the first quarter of AuthenticAMD, in register EBX of CPUID leaf 0.
    private const int Amd = 0x68747541;

    /// <summary>Whether oneDNN multiplies. It wants few large products: each call costs it more than MKL.</summary>
    public static bool OneDnnInUse { get; private set; }

    /// <summary>Whether transformers multiply in float32 by our own kernel, <see cref="ProductTile"/>.</summary>
    public static bool TilesInUse { get; set; }

    /// <summary>
    /// Lets our own kernel multiply where it can: on processors with AVX-512, on which it is ahead of MKL and of oneDNN.
    /// </summary>
    public static void UseTiles() => TilesInUse = ProductTile.IsSupported && TorchThreads.Reachable;

    /// <summary>Lets oneDNN multiply, where that is faster and as exact. Elsewhere nothing changes.</summary>
    public static void UseOneDnn()
    {
        if (!OperatingSystem.IsLinux() || !Avx512F.IsSupported || X86Base.CpuId(0, 0).Ebx != Amd)
        {
            return;
        }

        try
        {
            nint context = GlobalContext();
            SetFloat32Precision(context, OneDnn, MatrixProduct, BFloat16);
            OneDnnInUse = IsExact();
            if (!OneDnnInUse)
            {
                SetFloat32Precision(context, OneDnn, MatrixProduct, AsTheBackendDecides);
            }
        }
        catch (EntryPointNotFoundException)
        {
            OneDnnInUse = false; // another build of torch, without this switch
        }
    }

    /// <summary>
    /// Whether products still have single precision: factors that bfloat16 cannot tell from 1 must keep their difference from it.
    /// </summary>
    private static bool IsExact()
    {
        const int side = 128;
        const float difference = 1f / 4096; // bfloat16 has 8 bits, single precision 24
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var factor = full(side, side, 1 + difference);
        var product = factor.matmul(ones(side, side)); // [side, side], each element side (1 + difference)
        return (product - side * (1 + difference)).abs().max().item<float>() < side * difference / 100;
    }

    /// <summary>at::globalContext()</summary>
    [LibraryImport(Torch, EntryPoint = "_ZN2at13globalContextEv")]
    private static partial nint GlobalContext();

    /// <summary>at::Context::setFloat32Precision(Float32Backend, Float32Op, Float32Precision)</summary>
    [LibraryImport(Torch, EntryPoint = "_ZN2at7Context19setFloat32PrecisionENS_14Float32BackendENS_9Float32OpENS_16Float32PrecisionE")]
    private static partial void SetFloat32Precision(nint context, int backend, int operation, int precision);
}
