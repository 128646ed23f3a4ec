namespace DinoSharp.Evaluation.Video;

/// <summary>How labels go from frame to frame: the published protocol's values (arXiv 2104.14294, section 4.2.2).</summary>
public sealed record PropagationOptions
{
    /// <summary>What the side of a frame that is not cut may be at most, in pixels: time and memory grow with its square and more.</summary>
    public const int MostImageSide = 2160;

    /// <summary>The shorter side of a frame as the network sees it, in pixels; the longer one is cut to a multiple of 64.</summary>
    public int ImageSide { get; init; } = 480;

    /// <summary>How many preceding frames give their labels, beside the first frame, which always does.</summary>
    public int LastFrames { get; init; } = 7;

    /// <summary>How many patches away, in rows and in columns, a source of labels may be; 0 for any distance.</summary>
    public int Neighborhood { get; init; } = 12;

    /// <summary>How many of the most similar patches, of all frames together, give a patch its label.</summary>
    public int TopK { get; init; } = 5;

    /// <summary>Similarities weigh as exp(cosine / temperature).</summary>
    public double Temperature { get; init; } = 0.1;

    /// <summary>These options, if they make sense.</summary>
    /// <exception cref="ArgumentException">One line: which does not, and what it may be.</exception>
    public PropagationOptions Validated() =>
        ImageSide is < 64 or > MostImageSide ? throw new ArgumentException($"the image side is from 64 to {MostImageSide} pixels, not {ImageSide}")
        : LastFrames is < 0 or > 100 ? throw new ArgumentException($"the last frames are from 0 to 100, not {LastFrames}")
        : Neighborhood < 0 ? throw new ArgumentException($"the neighbourhood is 0 patches (for all) or more, not {Neighborhood}")
        : TopK is < 1 or > 1000 ? throw new ArgumentException($"the top k are from 1 to 1000, not {TopK}")
        : !(Temperature > 0 && double.IsFinite(Temperature)) ? throw new ArgumentException($"the temperature is above 0, not {Temperature}")
        : this;
}
