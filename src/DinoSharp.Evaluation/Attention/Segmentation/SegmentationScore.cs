namespace DinoSharp.Evaluation.Attention.Segmentation;

/// <summary>What the attention of many images reaches: means over images of means over their objects, in 0 .. 1.</summary>
public sealed record SegmentationScore
{
    private SegmentationScore(IReadOnlyList<ImageJaccard> judged, int images)
    {
        (Judged, Images) = (judged.Count, images);
        Objects = judged.Sum(image => image.Objects.Count);
        BestHead = Mean(o => o.Heads.Max());
        MeanOfHeads = Mean(o => o.Heads.Average());
        MeanMap = Mean(o => o.MeanMap);
        Heads = [.. Enumerable.Range(0, judged[0].Objects[0].Heads.Count).Select(head => Mean(o => o.Heads[head]))];

        double Mean(Func<ObjectJaccard, double> similarity) => judged.Average(image => image.Objects.Average(similarity));
    }

    /// <summary>Of the head that fits an object best, for each object another: the published measure.</summary>
    public double BestHead { get; }

    /// <summary>Of the heads in the mean, without a choice.</summary>
    public double MeanOfHeads { get; }

    /// <summary>Of the mask of the mean of the heads' maps.</summary>
    public double MeanMap { get; }

    /// <summary>Of each head, the same for all images // [heads]</summary>
    public IReadOnlyList<double> Heads { get; }

    /// <summary>Objects in all.</summary>
    public int Objects { get; }

    /// <summary>Images that have an object.</summary>
    public int Judged { get; }

    /// <summary>Images in all; those without an object have no part in the means.</summary>
    public int Images { get; }

    /// <summary>The means.</summary>
    /// <param name="images">of one network</param>
    /// <exception cref="EvaluationException">No image has an object.</exception>
    public static SegmentationScore Of(IReadOnlyList<ImageJaccard> images)
    {
        ImageJaccard[] judged = [.. images.Where(image => image.Objects.Count > 0)];
        return judged.Length > 0
            ? new SegmentationScore(judged, images.Count)
            : throw new EvaluationException(
                "none of the masks shows an object: all their pixels are background (0) or void (255); give masks that label objects");
    }
}
