namespace DinoSharp.Cli.Classification;

/// <summary>What self-training does beside the trainings themselves (arXiv 1911.04252).</summary>
internal sealed record SelfTrainSettings
{
    /// <summary>Students, each of which labels the images for the next.</summary>
    public int Iterations { get; init; } = 3;

    /// <summary>Confidence below which a pseudo-label is left out.</summary>
    public double Threshold { get; init; } = 0.3;

    /// <summary>Pseudo-labelled images of each class; null for the mean over the classes.</summary>
    public int? ImagesPerClass { get; init; }

    /// <summary>Whether the teacher's most probable class counts alone.</summary>
    public bool HardLabels { get; init; }

    /// <summary>How the teacher is trained.</summary>
    public required FinetuneSettings Teacher { get; init; }

    /// <summary>How the students are trained: with more noise.</summary>
    public required FinetuneSettings Student { get; init; }

    /// <summary>Returns itself if the values make a training.</summary>
    /// <exception cref="RequestException">Says in one line which value does not.</exception>
    public SelfTrainSettings Validated()
    {
        string? fault =
            Iterations < 1 ? $"--iterations is at least 1, not {Iterations}" :
            Threshold is not (>= 0 and < 1) ? $"--threshold is in [0, 1), not {Threshold}" :
            ImagesPerClass < 1 ? $"--images-per-class is at least 1, not {ImagesPerClass}" : null;
        return fault is null ? this : throw new RequestException(fault);
    }
}
