namespace DinoSharp.Evaluation.Retrieval;

/// <summary>
/// Average precision as the benchmarks of revisited Oxford and Paris (arXiv 1803.11285) and of Copydays compute it: the area under the
/// curve of precision over recall, by trapezoids.
/// </summary>
public static class AveragePrecision
{
    /// <param name="ranks">where the right answers stand, from 0, ascending; those not retrieved are left out</param>
    /// <param name="positives">right answers in all, at least 1</param>
    /// <returns>0 .. 1</returns>
    public static double Of(ReadOnlySpan<int> ranks, int positives)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(positives, 1);
        double sum = 0;
        for (int found = 0; found < ranks.Length; found++)
        {
            int rank = ranks[found];
            double before = rank == 0 ? 1 : (double)found / rank, at = (found + 1.0) / (rank + 1);
            sum += (before + at) / 2;
        }

        return sum / positives;
    }
}
