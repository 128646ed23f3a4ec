using System.Security.Cryptography;

namespace DinoSharp.Data.Tests;

public class StreamTests
{
    private static readonly MultiCropRecipe Recipe = new(new() { GlobalSize = 12, LocalSize = 4, LocalCount = 1 });

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(100, 1, 7)]
    [InlineData(100, 3, 1000)]
    [InlineData(997, 40, 50)]
    [InlineData(500, 500, 1)]
    public void AnOrderShowsEveryImageOnceAndReadsItInTime(int count, int runs, int buffer)
    {
        int[] starts = [.. Enumerable.Range(0, runs).Select(run => run * count / runs)];
        StreamOrder order = new(starts, count, buffer, seed: 3, epoch: 1);
        Assert.Equal(Enumerable.Range(0, count), order.Indices.Order());
        Assert.InRange(order.LaneCount, 1, StreamOrder.MostLanes);
        int[] read = [.. Enumerable.Range(0, count).Select(step => order.Indices[order.PositionOf(step)])];
        Assert.All(Enumerable.Range(0, count), step => Assert.True(step <= order.PositionOf(step) + order.Buffer));
        for (int lane = 0; lane < order.LaneCount; lane++)
        {
            int[] ofLane = [.. Enumerable.Range(0, count).Where(step => order.LaneOf(step) == lane).Select(step => read[step])];
            int jumps = Enumerable.Range(1, ofLane.Length - 1).Count(i => ofLane[i] != ofLane[i - 1] + 1 || starts.Contains(ofLane[i]));
            int opened = ofLane.Select(index => starts.Count(start => start <= index)).Distinct().Count();
            Assert.Equal(opened - 1, jumps); // each run in one piece
        }

        StreamOrder again = new(starts, count, buffer, seed: 3, epoch: 1), next = new(starts, count, buffer, seed: 3, epoch: 2);
        Assert.Equal(order.Indices, again.Indices);
        Assert.True(count == 1 || !order.Indices.SequenceEqual(next.Indices));
    }

    [Fact]
    public void ABufferAsLargeAsTheSourceShufflesItAsAWhole()
    {
        // Where an image stands after it says nothing of where it stood before: over 400 orders the mean rank of each is in the middle.
        double[] ranks = new double[20];
        for (int epoch = 0; epoch < 400; epoch++)
        {
            int[] indices = new StreamOrder([0], 20, 20, seed: 0, epoch).Indices;
            for (int position = 0; position < 20; position++)
            {
                ranks[indices[position]] += position / 400.0;
            }
        }

        Assert.All(ranks, rank => Assert.InRange(rank, 9.5 - 1.3, 9.5 + 1.3)); // 4.5 standard errors
    }

    [Fact]
    public void StreamedBatchesDependNeitherOnThreadsNorOnWhereAnEpochIsEntered()
    {
        using StreamedSource source = new(count: 90, runs: 12);
        string[] expected = Epoch(1, 2);
        Assert.Equal(11, expected.Distinct().Count());
        Assert.Equal(expected, Epoch(4, 2));
        Assert.Equal(expected[5..], Epoch(2, 2, firstBatch: 5));
        Assert.Empty(expected.Intersect(Epoch(2, 3)));

        string[] Epoch(int threads, int epoch, int firstBatch = 0)
        {
            using PrefetchLoader loader = new(source, Recipe, Options(8, threads));
            return [.. loader.Epoch(epoch, firstBatch).Select(Hash)];
        }
    }

    [Fact]
    public void RunsAreReadOnceFrontToBackAndNotFurtherThanNeeded()
    {
        using StreamedSource source = new(count: 2000, runs: 10);
        using PrefetchLoader loader = new(source, Recipe, Options(10, 3) with { ShuffleBuffer = 100 });
        using IEnumerator<ViewBatch> batches = loader.Epoch(0).GetEnumerator();
        Assert.True(batches.MoveNext());
        batches.Current.Dispose();
        Thread.Sleep(200); // time to read too far in
        int asked = 10 * (1 + 2 + 1); // the batch in use, those ahead of it, the one that the threads may have begun
        Assert.InRange(source.Reads.Count, 100, asked + 100 + 64);
        while (batches.MoveNext())
        {
            batches.Current.Dispose();
        }

        Assert.Equal(0, source.RandomLoads);
        Assert.Equal(source.Reads.Count, source.Reads.Distinct().Count());
        Assert.All(Enumerable.Range(0, 10), run => Assert.Single(source.Opened, run));
    }

    [Fact]
    public void ARunThatCannotBeReadIsReplacedByImagesFromEverywhere()
    {
        using StreamedSource source = new(count: 400, runs: 20) { Broken = 7 };
        using PrefetchLoader loader = new(source, Recipe, Options(20, 3));
        List<long> shown = [];
        foreach (ViewBatch batch in loader.Epoch(0))
        {
            using (batch)
            {
                shown.AddRange(batch.Indices);
            }
        }

        Assert.Equal(400, shown.Count);
        Assert.DoesNotContain(shown, index => index / 20 == 7);
        Assert.Equal(20, loader.Faults.Count);
        Assert.All(loader.Faults.Faults, fault => Assert.Contains("shard 7 is gone", fault.Reason));
        Assert.True(shown.GroupBy(index => index).Max(group => group.Count()) <= 4); // no single image takes all their places
        Assert.InRange(source.RandomLoads, 20, 40); // some of the random places lie in the same run

        using PrefetchLoader strict = new(source, Recipe, Options(20, 3) with { FaultShareLimit = 0.02 });
        string message = Assert.Throws<ImageSourceException>(() => strict.Epoch(0).Select(Hash).ToArray()).Message;
        Assert.Contains("shard 7 is gone", message);
    }

    [Fact]
    public void AnUnforeseenErrorOfAReaderReachesTheUserAndLeavingEarlyEndsTheReaders()
    {
        using StreamedSource failing = new(count: 100, runs: 5) { Unforeseen = true };
        using PrefetchLoader loader = new(failing, Recipe, Options(10, 2));
        Assert.Equal("unforeseen", Assert.Throws<InvalidOperationException>(() => loader.Epoch(0).Select(Hash).ToArray()).Message);

        using StreamedSource source = new(count: 1000, runs: 5);
        for (int round = 0; round < 20; round++)
        {
            using PrefetchLoader left = new(source, Recipe, Options(10, 2));
            left.Epoch(round).First().Dispose();
        }

        Assert.Equal(0, source.OpenReaders);
    }

    private static LoaderOptions Options(int batchSize, int threads) =>
        new() { BatchSize = batchSize, Threads = threads, ShuffleBuffer = 30, Seed = 5 };

    private static string Hash(ViewBatch batch)
    {
        using (batch)
        {
            return Convert.ToHexString(SHA256.HashData([.. batch.Pixels.SelectMany(pixels => pixels.bytes.ToArray())]));
        }
    }
}
