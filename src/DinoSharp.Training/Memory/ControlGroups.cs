using System.Globalization;

namespace DinoSharp.Training.Memory;

/// <summary>The control groups (version 2) that a process is in, whose limits count as if the machine had no more.</summary>
/// <param name="root">folder of the outermost group</param>
/// <param name="memberships">file in the format of /proc/PID/cgroup</param>
internal sealed class ControlGroups(string root, string memberships)
{
    private const string Version2 = "0::";

    /// <summary>Those of this process, where Linux has them by custom.</summary>
    public static ControlGroups OfThisProcess { get; } = new("/sys/fs/cgroup", "/proc/self/cgroup");

    /// <summary>Bytes of memory that the tightest of the groups has left; as many as there are numbers where none has a limit.</summary>
    public long Left()
    {
        string? own = File.Exists(memberships)
            ? File.ReadLines(memberships).FirstOrDefault(line => line.StartsWith(Version2, StringComparison.Ordinal)) : null;
        long left = long.MaxValue;
        for (string? group = own?[Version2.Length..]; group is not null; group = Path.GetDirectoryName(group))
        {
            string folder = Path.Join(root, group);
            if (Number(Path.Join(folder, "memory.max")) is { } limit && Number(Path.Join(folder, "memory.current")) is { } used)
            {
                left = Math.Min(left, limit - used + Reclaimable(Path.Join(folder, "memory.stat")));
            }
        }

        return left;
    }

    /// <summary>Pages of files that the kernel drops before it lacks memory.</summary>
    private static long Reclaimable(string statistics)
    {
        const string name = "inactive_file ";
        string? line = File.Exists(statistics)
            ? File.ReadLines(statistics).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) : null;
        return line is null ? 0 : long.Parse(line.AsSpan(name.Length), CultureInfo.InvariantCulture);
    }

    /// <summary>The number in a file; null where there is no file or it says "max".</summary>
    private static long? Number(string file) =>
        File.Exists(file) && long.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number : null;
}
