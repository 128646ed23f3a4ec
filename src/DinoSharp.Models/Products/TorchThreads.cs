using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace DinoSharp.Models.Products;

/// <summary>
/// Runs work on the threads that torch computes with. Threads of .NET's own would share the processor with those, which stay awake for a while
/// after each operation. Torch's team is OpenMP's, that of GCC on Linux, started as compiled code does (libgomp's GOMP_parallel).
/// </summary>
internal static unsafe class TorchThreads
{
    private static readonly nint Parallel = FindParallel();

    /// <summary>Whether torch's threads can be had.</summary>
    public static bool Reachable => Parallel != 0;

    /// <summary>Calls work(state, part, thread) for each part, on all threads; parts go to whichever thread is free.</summary>
    /// <param name="parts">how many</param>
    /// <param name="work">must not throw, nor allocate managed memory</param>
    /// <param name="state">handed to it</param>
    public static void Run(int parts, delegate*<void*, int, int, void> work, void* state)
    {
        var job = new Job { Work = work, State = state, Parts = parts };
        int threads = Math.Min(get_num_threads(), parts);
        if (threads <= 1)
        {
            TakeParts(&job);
            return;
        }

        ((delegate* unmanaged<delegate* unmanaged<Job*, void>, Job*, uint, uint, void>)Parallel)(&OnThread, &job, (uint)threads, 0);
    }

    [UnmanagedCallersOnly]
    private static void OnThread(Job* job) => TakeParts(job);

    private static void TakeParts(Job* job)
    {
        int thread = Interlocked.Increment(ref job->Threads) - 1;
        while (true)
        {
            int part = Interlocked.Increment(ref job->Taken) - 1;
            if (part >= job->Parts)
            {
                return;
            }

            job->Work(job->State, part, thread);
        }
    }

    /// <summary>Torch's own OpenMP is looked for through torch: beside it the process may hold another.</summary>
    private static nint FindParallel() =>
        OperatingSystem.IsLinux()
        && NativeLibrary.TryLoad("libtorch_cpu.so", typeof(TorchThreads).Assembly, null, out nint torch)
        && NativeLibrary.TryGetExport(torch, "GOMP_parallel", out nint parallel)
            ? parallel
            : 0;

    private struct Job
    {
        public delegate*<void*, int, int, void> Work;
        public void* State;
        public int Parts;
        public int Taken;
        public int Threads;
    }
}
