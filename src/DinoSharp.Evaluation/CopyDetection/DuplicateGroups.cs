using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.CopyDetection;

/// <summary>An image of a group of look-alikes.</summary>
/// <param name="Row">its row</param>
/// <param name="Similarity">cosine of its descriptor and that of the group's first image</param>
public readonly record struct Duplicate(int Row, float Similarity);

/// <summary>
/// Groups of images that are copies of each other. In the order of the set, an image that is in no group yet begins one, and all later
/// ones that are in none join it if their descriptors' cosine reaches the threshold. So every image is as much like its group's first as
/// the threshold says: if what is like any of a group joined it, a chain of images, each like the next, would end up as one.
/// Similarities are computed chunk by chunk.
/// </summary>
public static class DuplicateGroups
{
    private const int ChunkRows = 1024;

    /// <summary>The cosine of a row with itself, less what rounding may take of it.</summary>
    private const double Same = 1 - 1e-6;

    /// <summary>Finds the groups.</summary>
    /// <param name="descriptors">of the images</param>
    /// <param name="threshold">the least cosine of a pair, -1 .. 1</param>
    /// <param name="progress">told the number of images compared with all behind them</param>
    /// <returns>Groups of two or more, largest first; in a group its first image, then the others, most like it first.</returns>
    public static IReadOnlyList<IReadOnlyList<Duplicate>> Find(CopyDescriptors descriptors, double threshold, Action<int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(descriptors);
        ArgumentOutOfRangeException.ThrowIfLessThan(threshold, -1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threshold, 1);
        int[] firsts = [.. Enumerable.Range(0, descriptors.Count)]; // of each image its group's first
        for (int start = 0; start < descriptors.Count; start += ChunkRows)
        {
            using var scope = NewDisposeScope();
            var rows = Chunk(descriptors, start); // [m, K]
            for (int other = start; other < descriptors.Count; other += ChunkRows)
            {
                using var pairScope = NewDisposeScope();
                Join(rows, start, other == start ? rows : Chunk(descriptors, other), other, threshold, firsts);
            }

            progress?.Invoke(Math.Min(descriptors.Count, start + ChunkRows));
        }

        return
        [
            .. Enumerable.Range(0, firsts.Length).GroupBy(row => firsts[row]).Where(group => group.Skip(1).Any())
                .Select(group => Ranked(descriptors, [.. group])).OrderByDescending(group => group.Count).ThenBy(group => group[0].Row),
        ];
    }

    private static Tensor Chunk(CopyDescriptors descriptors, int start) =>
        descriptors.Rows(start, Math.Min(ChunkRows, descriptors.Count - start));

    private static void Join(Tensor rows, int start, Tensor others, int otherStart, double threshold, int[] firsts)
    {
        var alike = rows.matmul(others.t()).ge(Math.Min(threshold, Same)); // bool [m, n]
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
            // Pairs come in the order of their first image, whose own place is settled by then: all pairs that it is second of came before.
            int first = start + (int)pairs[i], second = otherStart + (int)pairs[i + 1];
            if (firsts[first] == first && firsts[second] == second)
            {
                firsts[second] = first;
            }
        }
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
