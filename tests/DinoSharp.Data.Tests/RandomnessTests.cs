namespace DinoSharp.Data.Tests;

public class RandomnessTests
{
    [Fact]
    public void NumbersAreAPureFunctionOfWhatTheyAreFor()
    {
        (ulong Seed, long Epoch, long Index, int View)[] keys =
            [(1, 2, 3, 4), (2, 2, 3, 4), (1, 3, 3, 4), (1, 2, 4, 4), (1, 2, 3, 5), (1, 3, 2, 4)];
        double[][] streams = [.. keys.Select(key => Stream(new SampleRandom(key.Seed, key.Epoch, key.Index, key.View)))];
        Assert.Equal(streams[0], Stream(new SampleRandom(1, 2, 3, 4)));
        Assert.Equal(streams.Length * 64, streams.SelectMany(stream => stream).Distinct().Count());

        static double[] Stream(SampleRandom random) => [.. Enumerable.Range(0, 64).Select(_ => random.NextDouble())];
    }

    [Fact]
    public void FirstNumbersOfNeighbouringSamplesAreUniform()
    {
        // Were the key mixed badly, it would show here: one number each of many neighbouring keys.
        int[] cells = new int[256];
        for (int index = 0; index < 64_000; index++)
        {
            SampleRandom random = new(0, index % 10, index / 10, index % 2);
            cells[16 * random.NextInt(16) + (int)(16 * random.NextDouble())]++;
        }

        double chiSquare = cells.Sum(count => (count - 250.0) * (count - 250.0) / 250);
        Assert.InRange(chiSquare, 255 - 4 * 22.6, 255 + 4 * 22.6);
    }

    [Fact]
    public void AnEpochsOrderIsAPermutationOfItsOwn()
    {
        EpochOrder order = new(1000, batchSize: 64, seed: 5);
        Assert.Equal(15, order.BatchesPerEpoch);
        int[] first = order.Permutation(0);
        Assert.Equal(Enumerable.Range(0, 1000), first.Order());
        Assert.Equal(first, new EpochOrder(1000, 10, 5).Permutation(0));
        Assert.InRange(first.Index().Count(pair => pair.Index == pair.Item), 0, 10); // 1 is expected
        Assert.NotEqual(first, order.Permutation(1));
        Assert.NotEqual(first, new EpochOrder(1000, 64, 6).Permutation(0));
    }
}
