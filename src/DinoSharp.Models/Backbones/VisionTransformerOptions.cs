namespace DinoSharp.Models.Backbones;

/// <summary>The shape of a Vision Transformer (arXiv 2010.11929), with DINO's defaults (arXiv 2104.14294, section 3.2).</summary>
public sealed record VisionTransformerOptions
{
    /// <summary>Side of a square patch, in pixels.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>Length D of a token.</summary>
    public int EmbedDim { get; init; } = 384;

    /// <summary>Number of blocks.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads a block; divides <see cref="EmbedDim"/>.</summary>
    public int Heads { get; init; } = 6;

    /// <summary>Hidden width of a block's MLP, as a multiple of <see cref="EmbedDim"/>.</summary>
    public double MlpRatio { get; init; } = 4;

    /// <summary>Side of the square images whose grid the learned position embedding has, in pixels.</summary>
    public int ImageSize { get; init; } = 224;

    /// <summary>Channels of the images.</summary>
    public int InputChannels { get; init; } = 3;

    /// <summary>Stochastic depth: the share of residual branches dropped in the last block while training; grows linearly from 0 in the first.</summary>
    public double DropPathRate { get; init; }

    /// <summary>Patches along one side of the trained grid.</summary>
    public int GridSide => ImageSize / PatchSize;

    /// <summary>Returns itself if the values make a network.</summary>
    /// <exception cref="ArgumentException">Says in one line which value does not.</exception>
    public VisionTransformerOptions Validated()
    {
        string? fault =
            PatchSize < 1 ? $"patch size must be at least 1, not {PatchSize}" :
            ImageSize < PatchSize ? $"image size {ImageSize} is smaller than one patch of {PatchSize}" :
            EmbedDim < 1 || Depth < 1 || Heads < 1 ? "embedding dimension, depth and heads must be at least 1" :
            EmbedDim % Heads != 0 ? $"{Heads} heads do not divide the embedding dimension {EmbedDim}" :
            MlpRatio <= 0 ? $"MLP ratio must be above 0, not {MlpRatio}" :
            InputChannels < 1 ? $"images need at least 1 channel, not {InputChannels}" :
            DropPathRate is < 0 or >= 1 ? $"drop path rate must be in [0, 1), not {DropPathRate}" : null;
        return fault is null ? this : throw new ArgumentException(fault);
    }
}
