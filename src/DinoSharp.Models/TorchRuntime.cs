using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models;

/// <summary>The native torch library: whether it loads, and which device to compute on.</summary>
public static partial class TorchRuntime
{
    // Of glibc's malloc.h.
    private const int TrimThreshold = -1;
    private const int TopPad = -2;
    private const int MmapThreshold = -3;

    /// <summary>The device a name stands for.</summary>
    /// <param name="name">cpu, cuda, cuda:n, mps, or auto: the first of cuda, mps, cpu that is there</param>
    /// <exception cref="TorchUnavailableException">One line: the library does not load, or the device is not there.</exception>
    public static Device ParseDevice(string name)
    {
        EnsureLoaded();
        string kind = name.Split(':')[0].ToLowerInvariant();
        switch (kind)
        {
            case "auto":
                return cuda_is_available() ? CUDA : mps_is_available() ? MPS : CPU;
            case "cpu":
                return CPU;
            case "mps":
                return mps_is_available() ? MPS : throw new TorchUnavailableException($"device '{name}' is not available here");
            case "cuda":
                if (!cuda_is_available())
                {
                    throw new TorchUnavailableException(
                        $"device '{name}' is not available: it needs an NVIDIA driver and a build with -p:Torch=cuda");
                }

                int index = 0;
                if (name.Contains(':') && !int.TryParse(name[5..], NumberStyles.None, CultureInfo.InvariantCulture, out index))
                {
                    throw new TorchUnavailableException($"device '{name}' is not of the form cuda:N");
                }

                return index < cuda.device_count()
                    ? new Device(DeviceType.CUDA, index)
                    : throw new TorchUnavailableException($"device '{name}' is not there: this machine has {cuda.device_count()}");
            default:
                throw new TorchUnavailableException($"unknown device '{name}': use cpu, cuda, cuda:N, mps or auto");
        }
    }

    /// <summary>Sets what makes computing on the CPU fast, for the whole process: call it once, before the work.</summary>
    /// <exception cref="TorchUnavailableException">One line: the library does not load.</exception>
    public static void Tune()
    {
        EnsureLoaded();
        KeepHeap();
        MatrixKernels.UseOneDnn();
    }

    /// <summary>
    /// Frees the small native objects that TorchSharp leaves to the garbage collector: a Scalar for each number in an operation. They
    /// lie between the large blocks of the C heap, which cannot be joined and used again as long as they live, and the collector, which
    /// sees no native memory, would come gigabytes too late. Call it once a step or batch; it takes a fraction of a millisecond.
    /// </summary>
    public static void Sweep() => GC.Collect(0, GCCollectionMode.Forced, blocking: true);

    /// <summary>
    /// Keeps the C heap instead of giving large temporaries back to the kernel: a training step frees and takes the same gigabytes
    /// again, and each return costs page faults. Only glibc has the switch; elsewhere this does nothing.
    /// </summary>
    private static void KeepHeap()
    {
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad("libc.so.6", out _))
        {
            return;
        }

        // A refused option costs speed only.
        _ = SetMallocOption(MmapThreshold, int.MaxValue);
        _ = SetMallocOption(TrimThreshold, int.MaxValue);
        _ = SetMallocOption(TopPad, 64 << 20);
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallopt")]
    private static partial int SetMallocOption(int option, int value);

    private static void EnsureLoaded()
    {
        var output = Console.Out;
        try
        {
            Console.SetOut(TextWriter.Null); // where it does not load, TorchSharp prints pages of what it tried
            InitializeDeviceType(DeviceType.CPU);
        }
        catch (Exception error) when (error is TypeInitializationException or NotSupportedException or DllNotFoundException)
        {
            string advice = OperatingSystem.IsLinux()
                ? "install a C++ runtime (Debian and Ubuntu: apt-get install libstdc++6 libgomp1)"
                : OperatingSystem.IsWindows() ? "install the Microsoft Visual C++ Redistributable" : "check that this system is arm64 macOS";
            throw new TorchUnavailableException($"the native torch library does not load on this system: {advice}", error);
        }
        finally
        {
            Console.SetOut(output);
        }
    }
}
