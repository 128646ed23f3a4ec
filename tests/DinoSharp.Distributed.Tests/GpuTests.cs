using DinoSharp.Distributed.Nccl;
using DinoSharp.Distributed.Tests.Ranks;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Distributed.Tests;

/// <summary>Ranks with a GPU each: what they give NCCL and in which order, and how they end. No test here needs a GPU.</summary>
public sealed class GpuTests
{
    private const int Ranks = 2;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(MpiKind.OpenMpi)]
    [InlineData(MpiKind.Mpich)]
    public void Tensors_of_the_gpu_go_by_nccl_in_torchs_order_and_the_host_waits_for_none(MpiKind mpi)
    {
        using var scope = NewDisposeScope();
        using var ranks = RankProcesses.Start(mpi, Ranks, "gpu-work");
        var results = ranks.EndWell();
        Assert.Equal(256, ((string)results[0]["id"]!).Length);
        Assert.Equal((string)results[0]["id"]!, (string)results[1]["id"]!); // by MPI, from the rank that made it
        Assert.Equal([1, 0], results.Select(result => (int)result["ids made"]!));

        HasBits("sum", Sum(ScalarType.Float32, 1000));
        HasBits("first", Sum(ScalarType.Float64, 7, 1));
        HasBits("second", Sum(ScalarType.Int64, 9, 2));
        HasBits("gather", cat([.. Enumerable.Range(0, Ranks).Select(rank => Rank.Values(ScalarType.Float32, 12, rank).view(4, 3).t())]));
        HasBits("broadcast", Rank.Values(ScalarType.Int64, 5, Ranks - 1));
        foreach (var (rank, result) in results.Index())
        {
            // 1 is NCCL's stream, 0 torch's: NCCL begins when torch is there, and torch goes on when NCCL is.
            Assert.Equal(
                "sum record 2@0 await 2@1 record 2@1 await 2@0 "
                + "two sums record 2@0 await 2@1 record 2@1 record 3@0 await 3@1 record 3@1 await 2@0 await 3@0 "
                + "gather record 3@0 await 3@1 record 3@1 await 3@0 exchange record 3@0 await 3@1 record 3@1 await 3@0 broadcast record 3@0 await 3@1 record 3@1 await 3@0 "
                + "record 3@0 await 3@1 record 3@1 await 3@0",
                (string)result["calls"]!);
            Assert.Equal(
                $"sum 1000 Float32 sum 7 Float64 sum 9 Int64 gather 12 Float32 exchange {(rank == 0 ? 4 : 6)} Float32 broadcast 5 Int64",
                (string)result["nccl"]!);
            var rows = Enumerable.Range(0, Ranks).Select(r => Rank.Values(ScalarType.Float32, 6, r).view(3, 2)).ToArray();
            var expected = rank == 0 ? cat([rows[0].narrow(0, 0, 1), rows[1]]) : rows[0].narrow(0, 1, 1);
            Assert.Equal(Rank.Bits(expected), (string)result["exchange"]!);
            Assert.Equal(0, (long)result["tensors"]!);
            Assert.Equal("leave 77 0", ranks.Note(rank, "left"));
        }

        Tensor Sum(ScalarType type, long count, int salt = 0) =>
            Enumerable.Range(0, Ranks).Select(rank => Rank.Values(type, count, rank, salt)).Aggregate((sum, own) => sum + own);

        void HasBits(string name, Tensor expected) => Assert.All(results, result => Assert.Equal(Rank.Bits(expected), (string)result[name]!));
    }

    [Fact]
    public void Ranks_on_the_cpu_are_the_group_they_were() =>
        Assert.All(RankProcesses.Results(MpiKind.OpenMpi, Ranks, "gpu-same-device"), result => Assert.True((bool)result["same"]!));

    [Fact]
    public void Where_a_rank_is_gone_the_others_cut_short_what_their_gpu_would_wait_for()
    {
        using var ranks = RankProcesses.Start(MpiKind.OpenMpi, Ranks, "gpu-wait");
        ranks.AreAtWork();
        Thread.Sleep(TimeSpan.FromSeconds(2)); // communicators are made
        ranks.Signal(1, "KILL");
        ranks.End(Soon);
        Assert.Contains($"rank 1 ({Environment.MachineName}", Assert.Single(ranks.Lines), StringComparison.Ordinal);
        Assert.Equal("77", ranks.Note(0, "aborted"));
        Assert.Null(ranks.Note(0, "trusted"));
        Assert.Equal(1, ranks.CodeOf(0));
    }

    [Fact]
    public void What_nccl_finds_wrong_afterwards_ends_all_with_its_words()
    {
        using var ranks = RankProcesses.Start(MpiKind.OpenMpi, Ranks, "gpu-failure");
        ranks.AreAtWork();
        ranks.End(Soon);
        string line = Assert.Single(ranks.Lines);
        Assert.Contains($"rank 1 ({Environment.MachineName}", line, StringComparison.Ordinal);
        Assert.Contains("NCCL: remote process exited or there was a network error", line, StringComparison.Ordinal);
        Assert.All(Enumerable.Range(0, Ranks), rank => Assert.Equal("77", ranks.Note(rank, "aborted")));
        Assert.Null(ranks.Note(0, "trusted"));
        Assert.Equal(1, ranks.CodeOf(0));
    }

    [Theory]
    [InlineData("CUDA a nccl, CUDA b nccl", null)]
    [InlineData("CPU, CPU", null)]
    [InlineData("CUDA a nccl, CPU", "rank 1 computes on cpu and rank 0 on cuda: give every rank a GPU, or none (--device cpu)")]
    [InlineData("MPS, MPS", "not on mps: --device cpu")]
    [InlineData("CUDA a nccl, CUDA b", "rank 1 has a GPU but no libnccl.so.2, by which GPUs exchange tensors: install NCCL (from NVIDIA's repository: apt-get install libnccl2)")]
    [InlineData("CUDA a nccl, CUDA b nccl, CUDA a nccl", "rank 0 and rank 2 have one GPU between them: start as many processes as there are GPUs")]
    public void Devices_that_do_not_go_together_are_refused_with_what_to_do(string devices, string? words)
    {
        RankDevice[] ranks = [.. devices.Split(", ").Select(Parsed)];
        string? refusal = RankDevice.Refusal([.. ranks.Select(rank => RankDevice.Of(rank.ToBytes()))], rank => $"rank {rank}");
        if (words is null)
        {
            Assert.Null(refusal);
        }
        else
        {
            Assert.Contains(words, refusal, StringComparison.Ordinal);
        }

        static RankDevice Parsed(string text)
        {
            string[] parts = text.Split(' ');
            return new(Enum.Parse<DeviceType>(parts[0]), parts.ElementAtOrDefault(1), parts.Contains("nccl"));
        }
    }
}
