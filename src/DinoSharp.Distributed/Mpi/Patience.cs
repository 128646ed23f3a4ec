using System.Diagnostics;
using System.Runtime.InteropServices;

namespace DinoSharp.Distributed.Mpi;

/// <summary>
/// Waits for other ranks without holding a processor that one of them may compute on. An answer that comes soon is met at once; then each
/// sleep is a part of the time waited so far, so that the answer is met late by that part at most.
/// </summary>
/// <param name="busy">microseconds in which it looks again and again before it sleeps</param>
internal sealed partial class Patience(int busy)
{
    private const int Part = 8;
    private const int Shortest = 20; // microseconds
    private const int Longest = 1000;

    private long _start = Stopwatch.GetTimestamp();

    /// <summary>Begins anew, as something came.</summary>
    public void Restart() => _start = Stopwatch.GetTimestamp();

    /// <summary>Waits a little.</summary>
    public void Pause()
    {
        double waited = Stopwatch.GetElapsedTime(_start).TotalMicroseconds;
        if (waited < busy)
        {
            Thread.Yield();
        }
        else
        {
            _ = Sleep((uint)Math.Clamp(waited / Part, Shortest, Longest));
        }
    }

    [LibraryImport("libc.so.6", EntryPoint = "usleep")]
    private static partial int Sleep(uint microseconds);
}
