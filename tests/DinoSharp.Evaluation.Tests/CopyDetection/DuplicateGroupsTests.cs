using DinoSharp.Evaluation.CopyDetection;
using DinoSharp.Evaluation.Features;

namespace DinoSharp.Evaluation.Tests.CopyDetection;

public sealed class DuplicateGroupsTests
{
    [Fact]
    public void Groups_within_and_across_chunks_are_found_largest_first()
    {
        const int Rows = 2500, Dim = 24; // three chunks
        Random random = new(5);
        float[] values = [.. Enumerable.Range(0, Rows * Dim).Select(_ => (float)(random.NextDouble() - 0.5))];
        int[][] planted = [[3, 700, 1500, 2499], [1023, 1024, 2048], [0, 1]];
        foreach (int[] group in planted)
        {
            foreach (var (number, row) in group.Index().Skip(1))
            {
                for (int d = 0; d < Dim; d++)
                {
                    // Longer, which plays no role, and turned a little more with each.
                    values[row * Dim + d] = 3 * values[group[0] * Dim + d] + (d == 0 ? 0.02f * number : 0);
                }
            }
        }

        List<int> told = [];
        var groups = DuplicateGroups.Find(new CopyDescriptors(Table(values, Dim)), 0.999, told.Add);

        Assert.Equal(planted, groups.Select(group => group.Select(d => d.Row).ToArray()));
        Assert.All(groups, group => Assert.Equal(group.Select(d => d.Similarity).OrderDescending(), group.Select(d => d.Similarity)));
        Assert.All(groups.SelectMany(group => group), d => Assert.InRange(d.Similarity, 0.999f, 1.00001f));
        Assert.Equal([1024, 2048, 2500], told);
    }

    [Fact]
    public void A_chain_is_no_group()
    {
        // Directions 20 degrees apart: each is like the next (0.94), and not like the one after that (0.77).
        float[] values =
        [
            .. new[] { 0, 20, 40, 60, 150 }.SelectMany(a => new[] { float.Cos(a * MathF.PI / 180), float.Sin(a * MathF.PI / 180) }),
        ];
        var groups = DuplicateGroups.Find(new CopyDescriptors(Table(values, 2)), 0.9);
        Assert.Equal([[0, 1], [2, 3]], groups.Select(group => group.Select(d => d.Row).ToArray()));
        Assert.All(groups, group => Assert.Equal(Math.Cos(20 * Math.PI / 180), group[1].Similarity, 1e-5));
    }

    [Fact]
    public void Exact_copies_reach_the_highest_threshold()
    {
        const int Pairs = 300, Dim = 37;
        Random random = new(3);
        float[] values = [.. Enumerable.Range(0, Pairs * Dim).Select(_ => random.NextSingle() - 0.5f)];
        var groups = DuplicateGroups.Find(new CopyDescriptors(Table([.. values, .. values], Dim)), 1);
        Assert.Equal(Enumerable.Range(0, Pairs).Select(i => (i, i + Pairs)), groups.Select(group => (group[0].Row, group[1].Row)));
    }

    private static FeatureTable Table(float[] values, int dim) =>
        new([.. Enumerable.Range(0, values.Length / dim).Select(i => $"{i}.png")], [], [], values, dim);
}
