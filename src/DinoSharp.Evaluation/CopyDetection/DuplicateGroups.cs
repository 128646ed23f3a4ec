using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.CopyDetection;

/// <summary>An image of a group of look-alikes.</summary>
/// <param name="Row">its row</param>
/// <param name="Similarity">cosine of its descriptor and that of the group's first image</param>
public readonly record struct Duplicate(int Row, float Similarity);

/// <summary>
/// Groups of images that are copies of each other: those whose descriptors' cosine reaches a threshold, and those joined by others in
/// between. Similarities are computed chunk by chunk; a chain may join images that are less alike, which their similarity to the first
/// image then tells.
/// </summary>
public static class DuplicateGroups
{
    private const int ChunkRows = 1024;

    /// <summary>Finds the groups.</summary>
    /// <param name="descriptors">of the images</param>
    /// <param name="threshold">the least cosine of a pair, -1 .. 1</param>
    /// <param name="progress">told the number of images compared with all behind them</param>
    /// <returns>Groups of two or more, largest first; in a group the image that stands first in the set, then the others, most alike first.</returns>
    public static IReadOnlyList<IReadOnlyList<Duplicate>> Find(CopyDescriptors descriptors, double threshold, Action<int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(descriptors);
        ArgumentOutOfRangeException.ThrowIfLessThan(threshold, -1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threshold, 1);
        int[] parents = [.. Enumerable.Range(0, descriptors.Count)];
        for (int start = 0; start < descriptors.Count; start += ChunkRows)
        {
            using var scope = NewDisposeScope();
            var rows = Chunk(descriptors, start); // [m, K]
            for (int other = start; other < descriptors.Count; other += ChunkRows)
            {
                using var pairScope = NewDisposeScope();
                Join(rows, start, other == start ? rows : Chunk(descriptors, other), other, threshold, parents);
            }

            progress?.Invoke(Math.Min(descriptors.Count, start + ChunkRows));
        }

        return
        [
            .. Enumerable.Range(0, parents.Length).GroupBy(row => First(parents, row)).Where(group => group.Skip(1).Any())
                .Select(group => Ranked(descriptors, [.. group])).OrderByDescending(group => group.Count).ThenBy(group => group[0].Row),
        ];
    }

    private static Tensor Chunk(CopyDescriptors descriptors, int start) =>
        descriptors.Rows(start, Math.Min(ChunkRows, descriptors.Count - start));

    private static void Join(Tensor rows, int start, Tensor others, int otherStart, double threshold, int[] parents)
    {
        var alike = rows.matmul(others.t()).ge(threshold); // bool [m, n]
        if (otherStart == start)
        {
            alike = alike.triu(1); // each pair once, and no image with itself
        }

        var found = alike.nonzero(); // int64 [pairs, 2]
        if (found.size(0) == 0)
        {
            return; // an empty tensor has no array
        }

        // Contiguous: nonzero gives the transpose of what it found.
        long[] pairs = found.cpu().contiguous().data<long>().ToArray();
        for (int i = 0; i < pairs.Length; i += 2)
        {
            int a = First(parents, start + (int)pairs[i]), b = First(parents, otherStart + (int)pairs[i + 1]);
            parents[Math.Max(a, b)] = Math.Min(a, b);
        }
    }

    private static int First(int[] parents, int row)
    {
        while (parents[row] != row)
        {
            row = parents[row] = parents[parents[row]];
        }

        return row;
    }

    private static List<Duplicate> Ranked(CopyDescriptors descriptors, int[] rows)
    {
        using var scope = NewDisposeScope();
        var first = descriptors.Rows(rows[0], 1); // [1, K]
        return
        [
            new Duplicate(rows[0], 1),
            .. rows.Skip(1).Select(row => new Duplicate(row, SimilarityTo(row))).OrderByDescending(d => d.Similarity).ThenBy(d => d.Row),
        ];

        float SimilarityTo(int row)
        {
            using var rowScope = NewDisposeScope();
            return descriptors.Rows(row, 1).mul(first).sum().item<float>();
        }
    }
}
