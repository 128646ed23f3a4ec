namespace DinoSharp.Models.Heads;

/// <summary>The projection head of DINO (arXiv 2104.14294, section 3.1 and appendix C): MLP, L2 normalisation, weight-normed layer.</summary>
public sealed record DinoHeadOptions
{
    /// <summary>K, the number of outputs (prototypes).</summary>
    public int OutputDim { get; init; } = 65536;

    /// <summary>Linear layers of the MLP, at least 1.</summary>
    public int Layers { get; init; } = 3;

    /// <summary>Width of the MLP's hidden layers.</summary>
    public int HiddenDim { get; init; } = 2048;

    /// <summary>Width of the normalised bottleneck.</summary>
    public int BottleneckDim { get; init; } = 256;

    /// <summary>Batch norm after each hidden linear layer.</summary>
    public bool BatchNorm { get; init; }

    /// <summary>Keeps the last layer's magnitudes at 1: more stable, slightly lower scores (the reference's norm_last_layer).</summary>
    public bool FreezeMagnitude { get; init; } = true;

    /// <summary>Returns itself if the values make a head.</summary>
    /// <exception cref="ArgumentException">Says in one line which value does not.</exception>
    public DinoHeadOptions Validated() =>
        OutputDim < 2 ? throw new ArgumentException($"the head needs at least 2 outputs, not {OutputDim}") :
        Layers < 1 || HiddenDim < 1 || BottleneckDim < 1 ? throw new ArgumentException("layers and widths of the head must be at least 1") :
        this;
}
