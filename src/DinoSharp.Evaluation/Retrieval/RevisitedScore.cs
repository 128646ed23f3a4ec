namespace DinoSharp.Evaluation.Retrieval;

/// <summary>Which answers are right (arXiv 1803.11285, section 4.2); what is neither right nor wrong is taken out of a ranking.</summary>
public enum Difficulty
{
    /// <summary>Easy ones are right; hard ones and junk do not count.</summary>
    Easy,

    /// <summary>Easy and hard ones are right; junk does not count.</summary>
    Medium,

    /// <summary>Hard ones are right; easy ones and junk do not count.</summary>
    Hard,
}

/// <summary>The score of rankings, in fractions. Queries without right answers are left out of the means.</summary>
/// <param name="Map">mean average precision; NaN if no query has a right answer</param>
/// <param name="MeanPrecisions">mP@k, for each of <see cref="Ks"/></param>
/// <param name="AveragePrecisions">of each query; NaN where it has no right answer</param>
public sealed record RevisitedScore(double Map, IReadOnlyList<double> MeanPrecisions, IReadOnlyList<double> AveragePrecisions)
{
    /// <summary>The k of mean precision at k.</summary>
    public static IReadOnlyList<int> Ks { get; } = [1, 5, 10];

    /// <summary>Scores rankings as the benchmark's authors do.</summary>
    /// <param name="queries">what is right, a query each</param>
    /// <param name="rankings">all images of the database, best first, a query each</param>
    /// <param name="difficulty">which answers count as right</param>
    public static RevisitedScore Of(IReadOnlyList<RevisitedQuery> queries, IReadOnlyList<int[]> rankings, Difficulty difficulty)
    {
        double[] averages = new double[queries.Count], precisions = new double[Ks.Count];
        int scored = 0;
        for (int q = 0; q < averages.Length; q++)
        {
            var (right, ignored) = Answers(queries[q], difficulty);
            if (right.Count == 0)
            {
                averages[q] = double.NaN;
                continue;
            }

            scored++;
            int[] ranks = Ranks(rankings[q], right, ignored);
            averages[q] = AveragePrecision.Of(ranks, right.Count);
            for (int k = 0; k < precisions.Length; k++)
            {
                int depth = Math.Min(ranks[^1] + 1, Ks[k]); // no further than the last right answer
                precisions[k] += (double)ranks.Count(rank => rank < depth) / depth;
            }
        }

        return new RevisitedScore(
            averages.Where(double.IsFinite).Sum() / scored, // NaN, where there is none
            [.. precisions.Select(sum => sum / scored)],
            averages);
    }

    /// <summary>What is right and what does not count.</summary>
    public static (HashSet<int> Right, HashSet<int> Ignored) Answers(RevisitedQuery query, Difficulty difficulty) => difficulty switch
    {
        Difficulty.Easy => ([.. query.Easy], [.. query.Hard, .. query.Junk]),
        Difficulty.Medium => ([.. query.Easy, .. query.Hard], [.. query.Junk]),
        Difficulty.Hard => ([.. query.Hard], [.. query.Easy, .. query.Junk]),
        _ => throw new ArgumentOutOfRangeException(nameof(difficulty), difficulty, "not a difficulty"),
    };

    /// <summary>Where the right answers stand, from 0, once what does not count is taken out.</summary>
    private static int[] Ranks(int[] ranking, HashSet<int> right, HashSet<int> ignored)
    {
        List<int> ranks = [];
        int rank = 0;
        foreach (int image in ranking)
        {
            if (right.Contains(image))
            {
                ranks.Add(rank);
            }

            rank += ignored.Contains(image) ? 0 : 1;
        }

        return [.. ranks];
    }
}
