using System.Globalization;
using System.Text.Json;

namespace DinoSharp.Distributed.Watch;

/// <summary>Where a rank runs.</summary>
/// <param name="Rank">its number</param>
/// <param name="Host">name of its machine</param>
/// <param name="Boot">tells machines apart whatever they are called, and knows containers of one machine as such</param>
/// <param name="Process">its number there</param>
/// <param name="Usable">processors that it may run on</param>
/// <param name="Usage">how many of them at a time</param>
/// <param name="LaunchersUsable">how many its launcher there may run on; 0 where that cannot be known</param>
/// <param name="Door">how the first rank is reached; null for the others</param>
internal sealed record RankPlace(int Rank, string Host, string Boot, int Process, int[] Usable, int Usage, int LaunchersUsable, Door? Door)
{
    private const string BootFile = "/proc/sys/kernel/random/boot_id";
    private const string StatusFile = "/proc/self/status";
    private const string UsableEntry = "Cpus_allowed_list:";
    private const string ParentEntry = "PPid:";

    /// <summary>This process's.</summary>
    public static RankPlace Here(int rank, Door? door) => new(
        rank,
        Environment.MachineName,
        File.ReadAllText(BootFile).Trim(),
        Environment.ProcessId,
        UsableOf(StatusFile),
        Environment.ProcessorCount,
        UsableByLauncher(),
        door);

    public static RankPlace Of(byte[] bytes) => JsonSerializer.Deserialize<RankPlace>(bytes)!;

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this);

    /// <summary>
    /// A rank's part of the processors: one that several ranks of a machine may use counts for each as its part. So it is the same whether
    /// the launcher bound the ranks or left them all processors.
    /// </summary>
    public static int ShareOf(IReadOnlyList<RankPlace> places, int rank)
    {
        var own = places[rank];
        var neighbours = NeighboursOf(places, rank);
        double share = own.Usable.Sum(processor => 1.0 / neighbours.Count(place => place.Usable.Contains(processor)));
        return Math.Max((int)(share * own.Usage / own.Usable.Length + 1e-9), 1); // usage is less where a container has a quota
    }

    /// <summary>A rank's number among those of its machine, from 0.</summary>
    public static int LocalRankOf(IReadOnlyList<RankPlace> places, int rank) => NeighboursOf(places, rank).Count(place => place.Rank < rank);

    /// <summary>Number of ranks on a rank's machine.</summary>
    public static int LocalSizeOf(IReadOnlyList<RankPlace> places, int rank) => NeighboursOf(places, rank).Count;

    /// <summary>What is said where the launcher bound the ranks to a part of the processors that it might have given them; null elsewhere.</summary>
    public static string? AdviceFor(IReadOnlyList<RankPlace> places, int rank)
    {
        int used = NeighboursOf(places, rank).SelectMany(place => place.Usable).Distinct().Count();
        int there = places[rank].LaunchersUsable;
        return used >= there ? null
            : $"the ranks of {places[rank].Host} are bound to {used} of {there} processors; mpirun --bind-to none lets them share all";
    }

    public override string ToString() => $"rank {Rank} ({Host}, process {Process})";

    /// <summary>The ranks of a rank's machine, itself among them.</summary>
    private static List<RankPlace> NeighboursOf(IReadOnlyList<RankPlace> places, int rank) =>
        [.. places.Where(place => place.Boot == places[rank].Boot)];

    private static int UsableByLauncher()
    {
        string status = $"/proc/{Entry(StatusFile, ParentEntry)}/status";
        return File.Exists(status) ? UsableOf(status).Length : 0; // a system may hide the processes of others
    }

    private static string Entry(string statusFile, string name) =>
        File.ReadLines(statusFile).First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Trim();

    private static int[] UsableOf(string statusFile)
    {
        return [.. Entry(statusFile, UsableEntry).Split(',').SelectMany(Range)];

        static IEnumerable<int> Range(string range)
        {
            int[] ends = [.. range.Split('-').Select(end => int.Parse(end.Trim(), CultureInfo.InvariantCulture))]; // 3 or 0-7
            return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
        }
    }
}
