namespace DinoSharp.Models.Heads;

/// <summary>The shape of a projection or prediction head: linear layers with batch norm and ReLU between them.</summary>
public sealed record MlpHeadOptions
{
    /// <summary>Linear layers, at least 1.</summary>
    public int Layers { get; init; } = 2;

    /// <summary>Width of the hidden layers.</summary>
    public int HiddenDim { get; init; } = 2048;

    /// <summary>Length of the output.</summary>
    public int OutputDim { get; init; } = 256;

    /// <summary>Batch norm after each hidden linear layer.</summary>
    public bool BatchNorm { get; init; } = true;

    /// <summary>A bias in the last layer; one before <see cref="NormalizedOutput"/> is left out anyway.</summary>
    public bool FinalBias { get; init; } = true;

    /// <summary>Batch norm without scale and shift after the last layer (arXiv 2104.02057, appendix A).</summary>
    public bool NormalizedOutput { get; init; }

    /// <summary>Returns itself if the values make a head.</summary>
    /// <exception cref="ArgumentException">Says in one line which value does not.</exception>
    public MlpHeadOptions Validated() => Layers < 1 || HiddenDim < 1 || OutputDim < 1
        ? throw new ArgumentException($"a head of {Layers} layers of {HiddenDim} and {OutputDim}: layers and widths must be at least 1")
        : this;
}
