using System.Globalization;

namespace DinoSharp.Training.Memory;

/// <summary>How large this process may become on this machine.</summary>
public static class AvailableMemory
{
    private const string Groups = "/sys/fs/cgroup";

    /// <summary>
    /// Bytes that this process may have, those it has included: what the machine has left without swapping, less where a control group (that
    /// of a container, say) or the process's own limit (ulimit -d) allows less.
    /// </summary>
    public static long Bytes => ProcessMemory.Resident
        + Math.Max(0, LeftInGroups().Append(LeftInLimit()).Append(ProcessMemory.Field("/proc/meminfo", "MemAvailable")).Min());

    /// <summary>What the limits of the control groups leave, the process's own group first and then those it is in (version 2).</summary>
    private static IEnumerable<long> LeftInGroups()
    {
        string? own = File.Exists("/proc/self/cgroup")
            ? File.ReadLines("/proc/self/cgroup").FirstOrDefault(line => line.StartsWith("0::", StringComparison.Ordinal)) : null;
        for (string? group = own?["0::".Length..]; group is not null; group = Path.GetDirectoryName(group))
        {
            string folder = Path.Join(Groups, group);
            if (Number(Path.Join(folder, "memory.max")) is { } limit && Number(Path.Join(folder, "memory.current")) is { } used)
            {
                yield return limit - used + Reclaimable(Path.Join(folder, "memory.stat"));
            }
        }
    }

    /// <summary>Pages of files that the kernel drops before it lacks memory.</summary>
    private static long Reclaimable(string statistics)
    {
        const string name = "inactive_file ";
        string? line = File.Exists(statistics)
            ? File.ReadLines(statistics).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) : null;
        return line is null ? 0 : long.Parse(line.AsSpan(name.Length), CultureInfo.InvariantCulture);
    }

    /// <summary>What the process's limit on its data leaves; there is none as a rule.</summary>
    private static long LeftInLimit()
    {
        const string name = "Max data size";
        string line = File.ReadLines("/proc/self/limits").First(line => line.StartsWith(name, StringComparison.Ordinal));
        return long.TryParse(line.AsSpan(name.Length).TrimStart().ToString().Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long limit)
            ? limit - ProcessMemory.Field("/proc/self/status", "VmData") : long.MaxValue;
    }

    /// <summary>The number in a file; null where there is no file or it says "max".</summary>
    private static long? Number(string file) =>
        File.Exists(file) && long.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number : null;
}
