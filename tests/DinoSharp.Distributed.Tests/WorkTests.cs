using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using DinoSharp.Distributed.Tests.Ranks;
using static TorchSharp.torch;

namespace DinoSharp.Distributed.Tests;

/// <summary>What ranks compute together, against the same in one process.</summary>
public sealed class WorkTests
{
    private static readonly ConcurrentDictionary<(MpiKind, int), Lazy<IReadOnlyList<JsonObject>>> Work = [];

    public static TheoryData<MpiKind, int> Groups => new()
    {
        { MpiKind.OpenMpi, 2 },
        { MpiKind.OpenMpi, 3 },
        { MpiKind.Mpich, 2 },
        { MpiKind.Mpich, 3 },
    };

    [Theory]
    [MemberData(nameof(Groups))]
    public void Sums_are_those_in_the_order_of_the_ranks_to_the_bit_on_every_rank(MpiKind mpi, int ranks) =>
        ForAllKinds((type, count) => HasBits(mpi, ranks, $"sum {type} {count}", Sum(type, count, ranks)));

    [Theory]
    [MemberData(nameof(Groups))]
    public void Rows_of_all_ranks_stand_in_the_order_of_the_ranks(MpiKind mpi, int ranks)
    {
        ForAllKinds((type, count) =>
            HasBits(mpi, ranks, $"gather {type} {count}", Rows(rank => Rank.Values(type, count * 2, rank).view(count, 2))));
        HasBits(mpi, ranks, "gather of columns", Rows(rank => Rank.Values(ScalarType.Float32, 12, rank).view(4, 3).t()));

        Tensor Rows(Func<int, Tensor> of) => cat([.. Enumerable.Range(0, ranks).Select(of)]);
    }

    [Theory]
    [MemberData(nameof(Groups))]
    public void Rows_go_from_every_rank_to_every_rank(MpiKind mpi, int ranks)
    {
        using var scope = NewDisposeScope();
        foreach (var type in Scenarios.Types)
        {
            foreach (var (rank, result) in Results(mpi, ranks).Index())
            {
                var received = Enumerable.Range(0, ranks).Select(from => Rank.Values(type, 7 * SentBefore(from, ranks), from).view(-1, 7)
                    .narrow(0, SentBefore(from, rank), Scenarios.Sent(from, rank)));
                Assert.Equal(Rank.Bits(cat([.. received])), (string)result[$"exchange {type}"]!);
            }
        }

        Assert.All(Results(mpi, ranks), result => Assert.True((bool)result["large exchange"]!));

        long SentBefore(int from, int to) => Enumerable.Range(0, to).Sum(rank => Scenarios.Sent(from, rank));
    }

    [Theory]
    [MemberData(nameof(Groups))]
    public void A_broadcast_gives_all_ranks_the_values_of_one(MpiKind mpi, int ranks) =>
        ForAllKinds((type, count) => HasBits(mpi, ranks, $"broadcast {type} {count}", Rank.Values(type, count, ranks - 1)));

    [Theory]
    [MemberData(nameof(Groups))]
    public void Messages_of_different_lengths_reach_all(MpiKind mpi, int ranks)
    {
        string expected = string.Join(" ", Enumerable.Range(0, ranks).Select(rank => $"{rank * 70_000 + 1}:{rank}"));
        Assert.All(Results(mpi, ranks), result => Assert.Equal(expected, (string)result["messages"]!));
        Assert.All(Results(mpi, ranks), result => Assert.Equal(0, (int)result["empty messages"]!));
    }

    [Theory]
    [MemberData(nameof(Groups))]
    public void Sums_under_way_do_not_disturb_each_other_nor_other_operations(MpiKind mpi, int ranks)
    {
        using var scope = NewDisposeScope();
        for (int i = 0; i < 40; i++)
        {
            HasBits(mpi, ranks, $"pending {i}", Sum(ScalarType.Float32, i % 4 == 3 ? 700_001 : 10 * i, ranks, salt: i));
        }

        for (int i = 0; i < 40; i += 10)
        {
            HasBits(mpi, ranks, $"between {i} sum", Sum(ScalarType.Int64, 3, ranks, salt: i));
            var rows = Enumerable.Range(0, ranks).Select(rank => Rank.Values(ScalarType.Int64, 3, rank, salt: i));
            HasBits(mpi, ranks, $"between {i} gather", cat([.. rows]));
        }
    }

    [Theory]
    [MemberData(nameof(Groups))]
    public void Gradients_through_sums_and_rows_are_those_of_one_process(MpiKind mpi, int ranks)
    {
        using var scope = NewDisposeScope();
        Tensor[] x = [.. Enumerable.Range(0, ranks).Select(Leaf)];
        Whole(rank => Losses.OfSum(x.Select(own => own * own).Aggregate((sum, own) => sum + own), rank)).backward();
        HasGradients("gradient through sum", x);

        Tensor[] y = [.. Enumerable.Range(0, ranks).Select(Leaf)];
        Whole(rank => Losses.OfRows(cat([.. y.Select(own => own * own)]), rank)).backward();
        HasGradients("gradient through rows", y);

        Tensor Leaf(int rank) => Rank.Values(ScalarType.Float64, 12, rank).div_(500).view(4, 3).requires_grad_();

        Tensor Whole(Func<int, Tensor> loss) => Enumerable.Range(0, ranks).Select(loss).Aggregate((sum, own) => sum + own);

        void HasGradients(string name, Tensor[] leaves)
        {
            foreach (var (rank, leaf) in leaves.Index())
            {
                HasValues(Results(mpi, ranks)[rank], name, leaf.grad!);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Groups))]
    public void A_batch_is_shared_view_by_view(MpiKind mpi, int ranks)
    {
        using var scope = NewDisposeScope();
        var whole = Rank.Values(ScalarType.Float64, 3 * ranks * 2 * 5, 0).div_(500).view(-1, 5).requires_grad_(); // [V n b, 5]
        HasBits(mpi, ranks, "whole", whole);
        HasBits(mpi, ranks, "whole with gradients", whole);
        HasBits(mpi, ranks, "rest", zeros(6, 5, ScalarType.Float64));
        Enumerable.Range(0, ranks).Select(rank => Losses.OfRows(whole, rank)).Aggregate((sum, own) => sum + own).backward();
        Assert.All(Results(mpi, ranks), result => HasValues(result, "share gradient", whole.grad!));

        manual_seed(11);
        var drawn = rand(6 * ranks, 4, ScalarType.Float64);
        HasBits(mpi, ranks, "next draw", rand(3, ScalarType.Float64));
        foreach (var (rank, result) in Results(mpi, ranks).Index())
        {
            Assert.Equal(Rank.Bits(whole.view(3, ranks, 2, 5).select(1, rank).reshape(6, 5)), (string)result["own"]!);
            Assert.Equal(Rank.Bits(drawn.view(3, ranks, 2, 4).select(1, rank).reshape(6, 4)), (string)result["draw"]!);
        }
    }

    /// <summary>Takes 6 GB of memory.</summary>
    [Theory]
    [Trait("Category", "Slow")]
    [InlineData(MpiKind.OpenMpi)]
    [InlineData(MpiKind.Mpich)]
    public void More_bytes_than_a_32_bit_number_counts_are_no_matter(MpiKind mpi)
    {
        foreach (var result in RankProcesses.Results(mpi, 2, "large"))
        {
            Assert.Equal("3 3", (string)result["sum"]!);
            Assert.Equal("1 1", (string)result["broadcast"]!);
            Assert.True((bool)result["gather"]!);
        }
    }

    [Theory]
    [MemberData(nameof(Groups))]
    public void No_tensor_is_left_behind(MpiKind mpi, int ranks) =>
        Assert.All(Results(mpi, ranks), result => Assert.Equal(0, (long)result["tensors"]!));

    [Theory]
    [MemberData(nameof(Groups))]
    public void Ranks_share_the_processors_and_null_references_stay_exceptions(MpiKind mpi, int ranks)
    {
        foreach (var result in Results(mpi, ranks))
        {
            Assert.Equal(Math.Max(Environment.ProcessorCount / ranks, 1), (int)result["processors"]!);
            Assert.Equal("an exception", (string)result["null reference"]!);
            Assert.EndsWith($"process {result["process"]})", (string)result["described"]!, StringComparison.Ordinal);
        }
    }

    private static IReadOnlyList<JsonObject> Results(MpiKind mpi, int ranks) =>
        Work.GetOrAdd((mpi, ranks), _ => new(() => RankProcesses.Results(mpi, ranks, "work"))).Value;

    private static void ForAllKinds(Action<ScalarType, long> check)
    {
        foreach (var type in Scenarios.Types)
        {
            foreach (long count in Scenarios.Counts)
            {
                using var scope = NewDisposeScope();
                check(type, count);
            }
        }
    }

    private static Tensor Sum(ScalarType type, long count, int ranks, int salt = 0) =>
        Enumerable.Range(0, ranks).Select(rank => Rank.Values(type, count, rank, salt)).Aggregate((sum, own) => sum + own);

    private static void HasBits(MpiKind mpi, int ranks, string name, Tensor expected)
    {
        string bits = Rank.Bits(expected);
        Assert.All(Results(mpi, ranks), result => Assert.Equal($"{name}: {bits}", $"{name}: {result[name]}"));
    }

    private static void HasValues(JsonObject result, string name, Tensor expected)
    {
        using var values = expected.contiguous();
        double[] wanted = values.data<double>().ToArray(), found = [.. result[name]!.AsArray().Select(value => (double)value!)];
        Assert.Equal(wanted.Length, found.Length);
        Assert.All(wanted.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-12 * Math.Max(1, Math.Abs(pair.First))));
    }
}
