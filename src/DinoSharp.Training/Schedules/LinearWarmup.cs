namespace DinoSharp.Training.Schedules;

/// <summary>A straight line whose both ends are reached, as NumPy's linspace draws it.</summary>
public static class LinearWarmup
{
    /// <summary>Value <paramref name="index"/> of <paramref name="count"/> evenly spaced ones from start to end.</summary>
    public static double At(double start, double end, long count, long index) =>
        index == count - 1 && count > 1 ? end : start + index * ((end - start) / Math.Max(count - 1, 1));
}
