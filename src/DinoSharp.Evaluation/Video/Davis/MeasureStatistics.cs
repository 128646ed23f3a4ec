namespace DinoSharp.Evaluation.Video.Davis;

/// <summary>A measure over the frames of a sequence, for one object, or a mean of such.</summary>
/// <param name="Mean">mean over frames</param>
/// <param name="Recall">part of the frames above one half</param>
/// <param name="Decay">mean over the first quarter of the frames less that over the last</param>
public sealed record MeasureStatistics(double Mean, double Recall, double Decay)
{
    private const int Quarters = 4;

    /// <summary>The statistics of a measure's values, a frame each.</summary>
    /// <param name="values">at least one</param>
    public static MeasureStatistics Of(IReadOnlyList<double> values)
    {
        // The benchmark's bins: five evenly spaced places of 1 .. n, rounded; neighbouring bins share the frame between them.
        int[] edges = [.. Enumerable.Range(0, Quarters + 1)
            .Select(i => 1 + i * ((values.Count - 1) / (double)Quarters))
            .Select(place => (int)Math.Round(place + 1e-10, MidpointRounding.ToEven) - 1)];
        return new(values.Average(), values.Average(v => v > 0.5 ? 1.0 : 0), Bin(0) - Bin(Quarters - 1));

        double Bin(int i) => values.Skip(edges[i]).Take(edges[i + 1] - edges[i] + 1).Average();
    }

    /// <summary>The mean over objects.</summary>
    public static MeasureStatistics MeanOf(IReadOnlyCollection<MeasureStatistics> objects) =>
        new(objects.Average(o => o.Mean), objects.Average(o => o.Recall), objects.Average(o => o.Decay));
}
