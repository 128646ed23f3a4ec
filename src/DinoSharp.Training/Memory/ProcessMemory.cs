using System.Globalization;
using System.Runtime.InteropServices;

namespace DinoSharp.Training.Memory;

/// <summary>The memory of this process as Linux counts it: pages that are really there. Elsewhere nothing is measured.</summary>
public static partial class ProcessMemory
{
    private const string Status = "/proc/self/status";
    private const string ClearReferences = "/proc/self/clear_refs";

    /// <summary>Of proc(5): the peak of the resident size begins anew.</summary>
    private const string ResetPeak = "5";

    /// <summary>Whether a peak can be measured here: on Linux with glibc, where the process may reset its own counter.</summary>
    public static bool CanMeasure { get; } = TryBeginPeak();

    /// <summary>Bytes in memory now.</summary>
    public static long Resident => Field(Status, "VmRSS");

    /// <summary>The largest <see cref="Resident"/> since <see cref="BeginPeak"/>.</summary>
    public static long Peak => Field(Status, "VmHWM");

    /// <summary>Gives what is free on the C heap, which is else kept, back to the system: for when a large piece of work is done.</summary>
    public static void GiveBack()
    {
        if (CanMeasure)
        {
            _ = Trim(0);
        }
    }

    /// <summary>Begins a peak anew.</summary>
    public static void BeginPeak()
    {
        _ = Trim(0); // else what is free would be taken again without a trace in the resident size
        File.WriteAllText(ClearReferences, ResetPeak);
    }

    /// <summary>A number of kB in a file of /proc as bytes; 0 if it is not there.</summary>
    internal static long Field(string file, string name)
    {
        string? line = File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.AsSpan(name.Length + 1).Trim().TrimEnd("kB "), CultureInfo.InvariantCulture) << 10;
    }

    private static bool TryBeginPeak()
    {
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad("libc.so.6", out _))
        {
            return false;
        }

        try
        {
            BeginPeak();
            return Peak > 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false; // a container may have these files closed
        }
    }

    [LibraryImport("libc.so.6", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint keep);
}
