using DinoSharp.Data;
using DinoSharp.Distributed;

namespace DinoSharp.Evaluation.Features;

/// <summary>A run of a source's images whose features are taken together.</summary>
/// <param name="Start">the first image of the run</param>
/// <param name="End">the first image behind it</param>
/// <param name="Stored">whether a store has their features</param>
internal readonly record struct ImagePart(int Start, int End, bool Stored)
{
    /// <summary>Images of a part: some minutes of a CPU, a few megabytes.</summary>
    private const int Usual = 512;

    /// <summary>How many stored images are read in the time that one is computed in, about.</summary>
    private const int ReadInTheTimeOfOne = 1000;

    /// <summary>
    /// All images of a source in parts: those that the store has, and between them others, which begin and end where batches do, so that work
    /// that goes on, or that several processes share, computes in the batches of one process that never stopped, to the bit.
    /// </summary>
    /// <param name="loader">the images</param>
    /// <param name="store">null for none</param>
    /// <param name="group">the processes: for several of them parts are somewhat smaller, so that each has as many</param>
    /// <returns>the same on every process</returns>
    public static IReadOnlyList<ImagePart> All(EvaluationLoader loader, FeatureStore? store, ProcessGroup group)
    {
        long[] told = group.FirstSays(group.IsFirst ? [.. Plan().SelectMany(part => (long[])[part.Start, part.End, part.Stored ? 1 : 0])] : []);
        return [.. told.Chunk(3).Select(part => new ImagePart((int)part[0], (int)part[1], part[2] != 0))];

        IEnumerable<ImagePart> Plan()
        {
            int images = loader.Source.Count, most = group.Size == 1 ? Usual : Even((images + group.Size - 1) / group.Size);
            var stored = store?.Starts() ?? [];
            for (int start = 0, end; start < images; start = end)
            {
                bool isStored = stored.Contains(start);
                end = start;
                if (isStored)
                {
                    end = store!.EndOf(start);
                }
                else
                {
                    do
                    {
                        end = Math.Min(end + loader.BatchSize, images);
                    }
                    while (end < images && end - start < most && !stored.Contains(end));
                }

                yield return new ImagePart(start, end, isStored);
            }
        }
    }

    /// <summary>One rank's parts, which follow one another, so that ranks compute about as much each.</summary>
    public static ImagePart[] OfRank(IReadOnlyList<ImagePart> all, ProcessGroup group)
    {
        long total = all.Sum(part => part.Cost), before = 0;
        List<ImagePart> own = [];
        foreach (var part in all)
        {
            if ((2 * before + part.Cost) * group.Size / (2 * total) == group.Rank) // where the middle of its cost lies
            {
                own.Add(part);
            }

            before += part.Cost;
        }

        return [.. own];
    }

    /// <summary>Images of a part, if a process's share is made of parts that are about equal.</summary>
    private static int Even(int share)
    {
        int parts = (share + Usual - 1) / Usual;
        return (share + parts - 1) / parts;
    }

    private long Cost => (End - Start) * (Stored ? 1L : ReadInTheTimeOfOne);
}
