using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Neighbors;

namespace DinoSharp.Evaluation.Tests.Neighbors;

public sealed class NearestNeighborsTests
{
    // Vectors in the plane at 0, 45, 180 and 10 degrees, of several lengths.
    private static readonly FeatureTable Table = new(
        ["a", "b", "c", "d"], [], [], [1, 0, 2, 2, -3, 0, 5 * Cosine(10), 5 * Cosine(80)], 2);

    [Theory]
    [InlineData(1)]
    [InlineData(1 << 20)]
    public void Neighbours_are_ordered_by_angle_and_leave_the_query_out(long blockBytes)
    {
        using var neighbors = new NearestNeighbors(Table, blockBytes: blockBytes);
        var found = neighbors.Of([3, 0, 2], 2);
        Assert.Equal([[0, 1], [3, 1], [1, 3]], found.Select(n => n.Select(x => x.Index).ToArray()));
        float[] expected = [Cosine(10), Cosine(35), Cosine(10), Cosine(45), Cosine(135), Cosine(170)];
        Assert.All(found.SelectMany(n => n).Zip(expected), pair => Assert.Equal(pair.Second, pair.First.Similarity, 1e-6f));
    }

    [Fact]
    public void More_neighbours_than_there_are_gives_all_others()
    {
        using var neighbors = new NearestNeighbors(Table);
        Assert.Equal([0, 2, 3], Assert.Single(neighbors.Of([1], 100)).Select(n => n.Index).Order());
        using var alone = new NearestNeighbors(new FeatureTable(["a"], [], [], [1, 2], 2));
        Assert.Empty(Assert.Single(alone.Of([0], 5)));
    }

    private static float Cosine(float degrees) => MathF.Cos(degrees * MathF.PI / 180);
}
