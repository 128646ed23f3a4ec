namespace DinoSharp.Data;

/// <summary>
/// Groups pictures whose hashes differ in few bits. Of 8 parts of a hash at least one is equal if at most 7 bits differ, so only pictures
/// that share a part are compared: the work grows with the pictures, not with their square.
/// </summary>
internal static class NearDuplicates
{
    /// <summary>Bits of 128 that may differ.</summary>
    public const int MostBits = Parts - 1;

    private const int Parts = 8;

    /// <summary>
    /// Compared with each picture at most, of those that share a part: where thousands do, as in pictures that are mostly empty, the part
    /// says little.
    /// </summary>
    private const int MostCompared = 500;

    /// <param name="hashes">A hash a picture; null for one that is not compared.</param>
    /// <returns>The pictures' numbers, group by group, each of two or more.</returns>
    public static IReadOnlyList<int[]> Groups(IReadOnlyList<PictureHash?> hashes)
    {
        // Each picture points to another of its group, and in the end to the group's first.
        int[] parents = [.. Enumerable.Range(0, hashes.Count)];

        // Equal hashes are joined at once; one of each is compared with others.
        Dictionary<PictureHash, int> first = [];
        for (int i = 0; i < hashes.Count; i++)
        {
            if (hashes[i] is { } hash && !first.TryAdd(hash, i))
            {
                parents[i] = first[hash];
            }
        }

        (PictureHash Hash, int Picture)[] distinct = [.. first.Select(pair => (pair.Key, pair.Value))];
        for (int part = 0; part < Parts; part++)
        {
            Array.Sort(distinct, (a, b) => Compare(a.Hash, b.Hash, part));
            JoinNeighbours(distinct, part, parents, hashes);
        }

        return
        [
            .. Enumerable.Range(0, hashes.Count).Where(i => hashes[i] is not null).GroupBy(i => First(parents, i))
                .Where(group => group.Skip(1).Any()).Select(group => group.ToArray()),
        ];
    }

    private static void JoinNeighbours(
        (PictureHash Hash, int Picture)[] sorted, int part, int[] parents, IReadOnlyList<PictureHash?> hashes)
    {
        for (int i = 0; i < sorted.Length; i++)
        {
            for (int j = i + 1; j < sorted.Length && j - i <= MostCompared && sorted[j].Hash.Part(part) == sorted[i].Hash.Part(part); j++)
            {
                if (sorted[i].Hash.DistanceTo(sorted[j].Hash) <= MostBits)
                {
                    Join(parents, sorted[i].Picture, sorted[j].Picture, hashes);
                }
            }
        }
    }

    private static int Compare(PictureHash a, PictureHash b, int part)
    {
        int byPart = a.Part(part).CompareTo(b.Part(part));
        int byAcross = byPart != 0 ? byPart : a.Across.CompareTo(b.Across);
        return byAcross != 0 ? byAcross : a.Down.CompareTo(b.Down);
    }

    /// <summary>
    /// Joins two groups if their first pictures, too, are alike: else a chain of pictures, each like the next, would end up as one group.
    /// </summary>
    private static void Join(int[] parents, int a, int b, IReadOnlyList<PictureHash?> hashes)
    {
        (a, b) = (First(parents, a), First(parents, b));
        if (hashes[a]!.Value.DistanceTo(hashes[b]!.Value) <= MostBits)
        {
            parents[Math.Max(a, b)] = Math.Min(a, b);
        }
    }

    private static int First(int[] parents, int i)
    {
        while (parents[i] != i)
        {
            i = parents[i] = parents[parents[i]];
        }

        return i;
    }
}
