using DinoSharp.Distributed.Nccl;
using static TorchSharp.torch;

namespace DinoSharp.Distributed.Tests.Ranks;

/// <summary>
/// What ranks with a GPU each do, where there is none: the group is the real one and so are its processes and what goes by MPI between them; NCCL's and
/// the driver's functions are stood in for (<see cref="FakeNccl"/>, <see cref="FakeGpu"/>), whose GPU is the CPU.
/// </summary>
internal static class GpuScenarios
{
    public static readonly IReadOnlyDictionary<string, Action<Rank>> All = new Dictionary<string, Action<Rank>>
    {
        ["gpu-work"] = Work,
        ["gpu-same-device"] = rank => rank.Results["same"] = ReferenceEquals(rank.Group, rank.Group.On(CPU)),
        ["gpu-wait"] = rank => Wait(rank, new FakeNccl(rank)),
        ["gpu-failure"] = rank => Wait(rank, new FakeNccl(rank) { Fails = rank.Group.Rank == 1 }),
    };

    private static NcclProcessGroup GroupOf(Rank rank, FakeNccl nccl) => new(rank.Group, nccl, new FakeGpu(), CPU);

    private static void Work(Rank rank)
    {
        FakeNccl nccl = new(rank);
        FakeGpu gpu = new();
        NcclProcessGroup group = new(rank.Group, nccl, gpu, CPU);
        rank.Results["id"] = Convert.ToHexString(nccl.Id);
        rank.Results["ids made"] = nccl.IdsMade;
        gpu.Calls.Clear();

        using var values = Rank.Values(ScalarType.Float32, 1000, group.Rank);
        gpu.Calls.Add("sum");
        group.Sum(values);
        rank.Keep("sum", values);

        using var first = Rank.Values(ScalarType.Float64, 7, group.Rank, salt: 1);
        using var second = Rank.Values(ScalarType.Int64, 9, group.Rank, salt: 2);
        gpu.Calls.Add("two sums");
        var (one, other) = (group.BeginSum(first), group.BeginSum(second));
        one.Wait();
        other.Wait();
        rank.Keep("first", first);
        rank.Keep("second", second);

        using var columns = Rank.Values(ScalarType.Float32, 12, group.Rank).view(4, 3).t();
        gpu.Calls.Add("gather");
        using var all = group.Gather(columns);
        rank.Keep("gather", all);

        using var rows = Rank.Values(ScalarType.Float32, 6, group.Rank).view(3, 2); // of the first rank one for each, of the second three for the first
        gpu.Calls.Add("exchange");
        using var received = group.IsFirst
            ? group.Exchange(rows.narrow(0, 0, 2), [1, 1], [1, 3])
            : group.Exchange(rows, [3, 0], [1, 0]);
        rank.Keep("exchange", received);

        using var given = Rank.Values(ScalarType.Int64, 5, group.Rank);
        gpu.Calls.Add("broadcast");
        group.Broadcast(given, group.Size - 1);
        rank.Keep("broadcast", given);

        using var none = zeros(0);
        group.Sum(none); // NCCL sees nothing of it
        rank.Results["calls"] = string.Join(" ", gpu.Calls);
        rank.Results["nccl"] = string.Join(" ", nccl.Calls);

        rank.Results["tensors"] = Leaks(group);
        rank.Save("done"); // which the program cannot do any more: the group takes the ranks' own with it
        group.Dispose();
        File.WriteAllText(Path.Combine(rank.Folder, $"{group.Rank}.left"), $"{nccl.Calls[^1]} {gpu.Handles}");
        Environment.Exit(0);
    }

    private static long Leaks(ProcessGroup group)
    {
        Once();
        long before = Tensor.TotalCount;
        for (int i = 0; i < 20; i++)
        {
            Once();
        }

        return Tensor.TotalCount - before;

        void Once()
        {
            using var scope = NewDisposeScope();
            var values = ones(100);
            group.BeginSum(values).Wait();
            group.Gather(values);
            group.Broadcast(values);
        }
    }

    /// <summary>The last rank does something else while the others wait for the GPU, as a hung operation has them do.</summary>
    private static void Wait(Rank rank, FakeNccl nccl)
    {
        var group = GroupOf(rank, nccl);
        if (group.Rank != group.Size - 1)
        {
            nccl.UntilAborted.Wait();
            group.Trust(); // what came from the GPU is not to be written
            File.WriteAllText(Path.Combine(rank.Folder, $"{group.Rank}.trusted"), "");
        }

        Thread.Sleep(Timeout.Infinite);
    }
}
