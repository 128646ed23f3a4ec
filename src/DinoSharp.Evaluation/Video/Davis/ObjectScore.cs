namespace DinoSharp.Evaluation.Video.Davis;

/// <summary>What DAVIS measures of one object of a sequence.</summary>
/// <param name="Sequence">its name</param>
/// <param name="Number">of the object, from 1 on</param>
/// <param name="J">region similarity</param>
/// <param name="F">boundary accuracy</param>
public sealed record ObjectScore(string Sequence, int Number, MeasureStatistics J, MeasureStatistics F)
{
    /// <summary>As the benchmark's table calls the object.</summary>
    public string Name => $"{Sequence}_{Number}";
}
