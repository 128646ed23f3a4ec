using System.Text.Json;
using TorchSharp;

namespace DinoSharp.Distributed.Nccl;

/// <summary>What a rank computes on, as it tells the others.</summary>
/// <param name="Kind">of device</param>
/// <param name="Gpu">the driver's identity of the GPU, whatever its number; null for another kind</param>
/// <param name="HasNccl">whether the library is there</param>
internal sealed record RankDevice(DeviceType Kind, string? Gpu = null, bool HasNccl = false)
{
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this);

    public static RankDevice Of(byte[] bytes) => JsonSerializer.Deserialize<RankDevice>(bytes)!;

    /// <summary>Why ranks cannot compute together, in one line that all of them find; null where they can.</summary>
    /// <param name="ranks">by rank</param>
    /// <param name="describe">a rank for people</param>
    public static string? Refusal(IReadOnlyList<RankDevice> ranks, Func<int, string> describe)
    {
        var first = ranks[0].Kind;
        int other = First(rank => rank.Kind != first), without = First(rank => rank is { Kind: DeviceType.CUDA, HasNccl: false });
        if (other >= 0)
        {
            return $"{describe(other)} computes on {NameOf(ranks[other].Kind)} and rank 0 on {NameOf(first)}: give every rank a GPU, or none (--device cpu)";
        }

        if (first is not (DeviceType.CPU or DeviceType.CUDA))
        {
            return $"several processes compute on processors or on NVIDIA's GPUs, not on {NameOf(first)}: --device cpu";
        }

        if (without >= 0)
        {
            return $"{describe(without)} has a GPU but no {NcclLibrary.Name}, by which GPUs exchange tensors: install NCCL "
                + "(from NVIDIA's repository: apt-get install libnccl2), or --device cpu";
        }

        var shared = ranks.Index().Where(rank => rank.Item.Gpu is not null).GroupBy(rank => rank.Item.Gpu).FirstOrDefault(group => group.Count() > 1);
        return shared is null ? null
            : $"{string.Join(" and ", shared.Select(rank => describe(rank.Index)))} have one GPU between them: start as many processes as there are "
            + "GPUs, without a number in --device";

        int First(Func<RankDevice, bool> which) => ranks.Index().Where(rank => which(rank.Item)).Select(rank => rank.Index).FirstOrDefault(-1);
    }

    private static string NameOf(DeviceType kind) => kind.ToString().ToLowerInvariant();
}
