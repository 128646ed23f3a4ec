using System.Globalization;
using System.Runtime;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models;

/// <summary>The native torch library: whether it loads, and which device to compute on.</summary>
public static partial class TorchRuntime
{
    /// <summary>Managed memory that may be taken between two sweeps before the collector runs all the same.</summary>
    public const long HeldBytes = 32 << 20;

    private static readonly Lock Gate = new();
    private static int _heldSince = -1;

    // Of glibc's malloc.h.
    private const int TrimThreshold = -1;
    private const int TopPad = -2;
    private const int MmapThreshold = -3;

    /// <summary>The device a name stands for.</summary>
    /// <param name="name">cpu, cuda, cuda:n, mps, or auto: the first of cuda, mps, cpu that is there</param>
    /// <param name="localRank">
    /// of several processes of this machine the number of this one, which gets the GPU of that number where the name has none; where each sees one
    /// GPU only, that one
    /// </param>
    /// <exception cref="TorchUnavailableException">One line: the library does not load, or the device is not there.</exception>
    public static Device ParseDevice(string name, int localRank = 0)
    {
        EnsureLoaded();
        string kind = name.Split(':')[0].ToLowerInvariant();
        switch (kind)
        {
            case "auto":
                return cuda_is_available() ? OwnGpu() : mps_is_available() ? MPS : CPU;
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

                if (!name.Contains(':'))
                {
                    return OwnGpu();
                }

                if (!int.TryParse(name[5..], NumberStyles.None, CultureInfo.InvariantCulture, out int index))
                {
                    throw new TorchUnavailableException($"device '{name}' is not of the form cuda:N");
                }

                return index < cuda.device_count()
                    ? new Device(DeviceType.CUDA, index)
                    : throw new TorchUnavailableException($"device '{name}' is not there: this machine has {cuda.device_count()}");
            default:
                throw new TorchUnavailableException($"unknown device '{name}': use cpu, cuda, cuda:N, mps or auto");
        }

        Device OwnGpu() => new(DeviceType.CUDA, localRank % cuda.device_count());
    }

    /// <summary>Sets what makes computing on the CPU fast, for the whole process: call it once, before the work.</summary>
    /// <exception cref="TorchUnavailableException">One line: the library does not load.</exception>
    public static void Tune()
    {
        EnsureLoaded();
        KeepHeap();
        MatrixKernels.UseOneDnn();
        MatrixKernels.UseTiles();
    }

    /// <summary>
    /// The one moment of a step or batch at which the garbage collector runs: call it once in each. It frees the small native objects that
    /// TorchSharp leaves to the collector, a Scalar for each number in an operation, and then holds the collector back until the next call,
    /// or until <see cref="HeldBytes"/> more are taken. It takes a fraction of a millisecond.
    /// </summary>
    /// <remarks>
    /// Freed, because they lie between the large blocks of the C heap, which cannot be joined and used again as long as they live, and the
    /// collector, which sees no native memory, would come gigabytes too late. Held back, because TorchSharp lets go of a Scalar once it has
    /// its handle: a collection that another thread sets off right then frees it under the operation, which fails with "Unknown scalar type"
    /// (here 62 times in 7 million operations beside a thread that allocates without pause).
    /// </remarks>
    public static void Sweep()
    {
        lock (Gate)
        {
            if (GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
            {
                if (GC.CollectionCount(0) != _heldSince)
                {
                    return; // somebody else's: a collection ended or began it
                }

                GC.EndNoGCRegion();
            }

            GC.Collect(0, GCCollectionMode.Forced, blocking: true);
            GC.TryStartNoGCRegion(HeldBytes);
            _heldSince = GC.CollectionCount(0);
        }
    }

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
