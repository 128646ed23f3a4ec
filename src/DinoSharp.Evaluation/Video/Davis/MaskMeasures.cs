namespace DinoSharp.Evaluation.Video.Davis;

/// <summary>How much a mask is like the true one, as DAVIS measures it (Perazzi et al., CVPR 2016, section 4; arXiv 1704.00675).</summary>
public static class MaskMeasures
{
    /// <summary>How far a boundary may be off, as a part of the image's diagonal.</summary>
    private const double Tolerance = 0.008;

    /// <summary>Region similarity J: intersection over union; 1 where both are empty.</summary>
    public static double RegionSimilarity(ObjectMask truth, ObjectMask guess)
    {
        int union = truth.CountOr(guess);
        return union == 0 ? 1 : (double)truth.CountAnd(guess) / union;
    }

    /// <summary>
    /// Boundary accuracy F: the harmonic mean of precision and recall of the boundaries' pixels, which are right within a distance of
    /// 0.8 % of the diagonal, rounded up; 1 where neither has a boundary.
    /// </summary>
    public static double BoundaryAccuracy(ObjectMask truth, ObjectMask guess)
    {
        int radius = RadiusOf(truth.Width, truth.Height);
        ObjectMask truthBoundary = truth.Boundary(), guessBoundary = guess.Boundary();
        int truths = truthBoundary.Count, guesses = guessBoundary.Count;
        if (truths == 0 || guesses == 0)
        {
            return truths == guesses ? 1 : 0; // one of precision and recall is 0
        }

        double precision = (double)guessBoundary.CountAnd(truthBoundary.Dilated(radius)) / guesses;
        double recall = (double)truthBoundary.CountAnd(guessBoundary.Dilated(radius)) / truths;
        return precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall);
    }

    /// <summary>The tolerance in pixels.</summary>
    internal static int RadiusOf(int width, int height) => (int)Math.Ceiling(Tolerance * Math.Sqrt((double)width * width + (double)height * height));
}
