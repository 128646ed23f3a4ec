using System.Runtime.InteropServices;

namespace DinoSharp.Distributed.Mpi;

/// <summary>
/// Puts the process's signal handlers back as they were. Libraries of MPI bring others along (UCX) that take SIGSEGV and its like for
/// themselves when they are loaded, though the runtime needs it: a null reference would end the process instead of being an exception.
/// </summary>
internal sealed unsafe partial class KeptSignalHandlers : IDisposable
{
    private const int LargestAction = 256; // struct sigaction has 152 bytes with glibc on x86-64 and arm64

    private static readonly int[] Signals = [2, 3, 4, 5, 6, 7, 8, 11, 13, 15, 17, 18]; // signal.h of Linux: those of terminals and faults

    private readonly byte[][] _actions;

    public KeptSignalHandlers() => _actions = [.. Signals.Select(ActionOf)];

    public void Dispose()
    {
        foreach (var (signal, action) in Signals.Zip(_actions))
        {
            fixed (byte* kept = action)
            {
                _ = ChangeAction(signal, kept, null);
            }
        }
    }

    private static byte[] ActionOf(int signal)
    {
        byte[] action = new byte[LargestAction];
        fixed (byte* found = action)
        {
            _ = ChangeAction(signal, null, found);
        }

        return action;
    }

    [LibraryImport("libc.so.6", EntryPoint = "sigaction")]
    private static partial int ChangeAction(int signal, byte* action, byte* old);
}
