using DinoSharp.Distributed;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Knn;
using DinoSharp.Evaluation.Neighbors;
using DinoSharp.Evaluation.Retrieval;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Tests.Features;

/// <summary>Rows that processes share, and search in them, against one process that has all; here processes are threads.</summary>
public sealed class SharedRowsTests
{
    private const int Rows = 701, Queries = 45, Dim = 5, Block = 64;

    private static readonly FeatureTable Gallery = Table(Rows, 1), Asked = Table(Queries, 2);

    /// <summary>How many rows each rank has: borders within blocks, several ranks in one block, ranks without rows.</summary>
    public static TheoryData<int[]> Shares => new((int[][])[[350, 351], [1, 700], [0, 701], [701, 0], [60, 3, 638], [128, 0, 573], [5, 5, 5, 686]]);

    [Theory]
    [MemberData(nameof(Shares))]
    public void What_is_found_in_shares_is_what_one_process_finds_to_the_bit(int[] shares)
    {
        var expected = Find(SharedRows.Of(Gallery), SharedRows.Of(Asked));
        var found = ThreadRanks.Run(shares.Length, group => Find(Share(group, Gallery, shares), SharedRows.Deal(group, group.IsFirst ? Asked : null)));
        Assert.All(found, rank =>
        {
            Assert.Equal(expected.Asked, rank.Asked);
            Assert.Equal(expected.Own, rank.Own);
            Assert.Equal(expected.Rankings, rank.Rankings);
            Assert.Equal(expected.Scores, rank.Scores);
        });

        // Equal rows are there many times, and of these the lower ones are found.
        Assert.All(expected.Asked, list => Assert.All(list.Zip(list.Skip(1)), pair => Assert.True(
            pair.First.Similarity > pair.Second.Similarity || pair.First.Index < pair.Second.Index)));
        Assert.Contains(expected.Asked, list => list.Zip(list.Skip(1)).Any(pair => pair.First.Similarity == pair.Second.Similarity));
    }

    [Theory]
    [MemberData(nameof(Shares))]
    public void A_rank_has_its_rows_in_the_index_and_no_others_but_for_a_block_on_the_border(int[] shares)
    {
        var held = ThreadRanks.Run(shares.Length, group =>
        {
            using CosineIndex index = new(Share(group, Gallery, shares), blockBytes: 1);
            return (index.Count, index.OwnCount);
        });
        Assert.All(held, rank => Assert.Equal(Rows, rank.Count));
        Assert.Equal(Rows, held.Sum(rank => rank.OwnCount));
        Assert.All(held.Zip(shares), pair => Assert.InRange(pair.First.OwnCount, pair.Second - Block + 1, pair.Second + Block - 1));
    }

    [Theory]
    [MemberData(nameof(Shares))]
    public void Rows_are_had_by_number_and_as_a_whole(int[] shares)
    {
        long[] wanted = [700, 3, 3, 64, 0, 350];
        var results = ThreadRanks.Run(shares.Length, group =>
        {
            using var scope = NewDisposeScope();
            var rows = Share(group, Gallery, shares);
            return (rows.OnFirst(), rows.Rows(wanted).data<float>().ToArray(), rows.Rows(50, 630).data<float>().ToArray());
        });
        Assert.Equal(Gallery.Values, results[0].Item1);
        Assert.All(results.Skip(1), rank => Assert.Null(rank.Item1));
        Assert.All(results, rank => Assert.Equal(wanted.SelectMany(row => Gallery.Row((int)row).ToArray()), rank.Item2));
        Assert.All(results, rank => Assert.Equal(Gallery.Values[(50 * Dim)..(680 * Dim)], rank.Item3));
    }

    [Fact]
    public void Pixels_are_centred_by_the_mean_of_one_process_to_the_bit()
    {
        FeatureTable expected = Table(Rows, 1), tested = Table(Queries, 2);
        RawPixels.Center(SharedRows.Of(expected), SharedRows.Of(tested));
        var centred = ThreadRanks.Run(3, group =>
        {
            var (train, test) = (Share(group, Table(Rows, 1), [100, 401, 200]), Share(group, Table(Queries, 2), [45, 0, 0]));
            RawPixels.Center(train, test);
            return (Train: train.OnFirst(), Test: test.OnFirst());
        });
        Assert.NotEqual(Gallery.Values, expected.Values);
        Assert.Equal(expected.Values, centred[0].Train);
        Assert.Equal(tested.Values, centred[0].Test);
    }

    [Fact]
    public void Of_what_shares_found_the_nearest_stay_and_of_equals_the_lower_rows()
    {
        NearestRows nearest = new(queries: 2, k: 3);
        nearest.Add([0.9f, 0.5f, 0.5f, 0.8f, 0.1f, float.NegativeInfinity], [4, 0, 2, 1, 3, 0]);
        nearest.Add([0.5f, 0.4f, 0.9f, 0.8f], [0, 1, 1, 0], first: 10);
        Assert.Equal([0.9f, 0.5f, 0.5f, 0.9f, 0.8f, 0.8f], nearest.Similarities);
        Assert.Equal([4, 0, 2, 11, 1, 10], nearest.Rows);
    }

    private sealed record Found(IReadOnlyList<Neighbor[]> Asked, IReadOnlyList<Neighbor[]> Own, IReadOnlyList<int[]> Rankings, IReadOnlyList<KnnScore> Scores);

    /// <summary>In blocks of 64 rows, for one query at a time.</summary>
    private static Found Find(SharedRows gallery, SharedRows queries)
    {
        using NearestNeighbors search = new(gallery, blockBytes: 1);
        string[] classes = ["a", "b", "c"];
        SharedFeatures train = new([], Labels(Rows), classes, gallery), test = new([], Labels(Queries), classes, queries);
        return new Found(
            search.Of(queries, 90),
            search.Of([.. Enumerable.Range(0, Rows).Select(row => (long)row)], 7),
            RevisitedBenchmark.Rank(gallery, queries),
            KnnEvaluation.Score(train, test, new KnnOptions { Ks = [1, 20, 150], BlockBytes = 1 }));
    }

    private static long[] Labels(int count) => [.. Enumerable.Range(0, count).Select(i => (long)(i * 7 % 3))];

    private static SharedRows Share(ProcessGroup group, FeatureTable table, int[] shares)
    {
        int first = shares.Take(group.Rank).Sum();
        return new SharedRows(group, table.Values[(first * Dim)..((first + shares[group.Rank]) * Dim)], Dim);
    }

    /// <summary>Rows of small whole numbers, so that there are the same ones many times, and nothing but ones to a length of its own.</summary>
    private static FeatureTable Table(int rows, int seed)
    {
        var random = new Random(seed);
        float[] values = [.. Enumerable.Range(0, rows * Dim).Select(_ => (float)random.Next(-1, 3))];
        return new FeatureTable([.. Enumerable.Repeat("", rows)], [], [], values, Dim);
    }
}
