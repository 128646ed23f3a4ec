using System.Globalization;
using DinoSharp.Distributed;

namespace DinoSharp.Training.Memory;

/// <summary>How large this process may become on this machine.</summary>
public static class AvailableMemory
{
    /// <summary>
    /// Bytes that this process may have, those it has included: what the machine has left without swapping, less where a control group (that
    /// of a container, say) allows less, in equal parts to the ranks of the machine; and no more than the process's own limit (ulimit -d). Every
    /// rank calls it, before it takes memory for the work ahead.
    /// </summary>
    /// <param name="group">the ranks of the work</param>
    public static long For(ProcessGroup group)
    {
        long left = Math.Min(ControlGroups.OfThisProcess.Left(), ProcessMemory.Field("/proc/meminfo", "MemAvailable")) / group.LocalSize;
        long bytes = ProcessMemory.Resident + Math.Max(0, Math.Min(left, LeftInLimit()));
        group.Barrier(); // a rank that went on would take of what others still count
        return bytes;
    }

    /// <summary>What the process's limit on its data leaves; there is none as a rule.</summary>
    private static long LeftInLimit()
    {
        const string name = "Max data size";
        string line = File.ReadLines("/proc/self/limits").First(line => line.StartsWith(name, StringComparison.Ordinal));
        return long.TryParse(line.AsSpan(name.Length).TrimStart().ToString().Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long limit)
            ? limit - ProcessMemory.Field("/proc/self/status", "VmData") : long.MaxValue;
    }
}
