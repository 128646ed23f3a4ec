using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Layers;

/// <summary>Which precision a device trains well in.</summary>
public static class PrecisionSupport
{
    /// <summary>NVIDIA's compute capability from which on cards multiply bfloat16 (Ampere).</summary>
    private const int Ampere = 8;

    // Of CUDA's driver API: CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR.
    private const int CapabilityMajor = 75;

    /// <summary>The precision to train in, and why, in a few words. bfloat16 where the device multiplies it at a higher rate, else float32.</summary>
    public static (Precision Precision, string Reason) Best(Device device) => device.type switch
    {
        DeviceType.CUDA when ComputeCapability(device.index) >= Ampere => (Precision.Bf16, "this card multiplies bfloat16 several times as fast"),
        DeviceType.CUDA => (Precision.Float32, "this card has no bfloat16"),
        DeviceType.CPU when HasBf16() => (Precision.Bf16, "this processor multiplies bfloat16 twice as fast (AVX512_BF16)"),
        DeviceType.CPU => (Precision.Float32, "this processor has no instructions for bfloat16"),
        _ => (Precision.Float32, "on this device nothing less was measured"),
    };

    /// <summary>CPUID leaf 7, subleaf 1, register EAX, bit 5; the operating system has to keep the registers of AVX-512, too.</summary>
    private static bool HasBf16() =>
        Avx512F.IsSupported && X86Base.CpuId(7, 0).Eax >= 1 && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0;

    /// <summary>The first number of a card's compute capability, from its driver; 0 if that does not tell.</summary>
    private static unsafe int ComputeCapability(int index)
    {
        if (!NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out nint driver)
            || !NativeLibrary.TryGetExport(driver, "cuDeviceGet", out nint get)
            || !NativeLibrary.TryGetExport(driver, "cuDeviceGetAttribute", out nint getAttribute))
        {
            return 0;
        }

        // Torch has found the card, so the driver is initialised.
        int card = 0, major = 0;
        return ((delegate* unmanaged<int*, int, int>)get)(&card, Math.Max(index, 0)) == 0
            && ((delegate* unmanaged<int*, int, int, int>)getAttribute)(&major, CapabilityMajor, card) == 0 ? major : 0;
    }
}
