using System.Numerics;

namespace DinoSharp.Models.Backbones;

/// <summary>The shape of a cross-covariance image transformer (arXiv 2106.09681, table 1); the defaults make XCiT-S12/16.</summary>
public sealed record XcitOptions
{
    /// <summary>Hidden width of an MLP as a multiple of <see cref="EmbedDim"/>, in all of them.</summary>
    internal const int MlpRatio = 4;

    /// <summary>From this depth on layer scale starts near zero, so that a deep network starts near the identity.</summary>
    private const int DeepFrom = 24;

    private const int LargestPatch = 32;

    /// <summary>Side of the square of pixels that becomes a token: a power of two, as each convolution of the embedding halves a side.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>Length D of a token.</summary>
    public int EmbedDim { get; init; } = 384;

    /// <summary>Number of blocks, those of class attention not counted.</summary>
    public int Depth { get; init; } = 12;

    /// <summary>Attention heads a block; divides <see cref="EmbedDim"/>.</summary>
    public int Heads { get; init; } = 8;

    /// <summary>Channels of the images.</summary>
    public int InputChannels { get; init; } = 3;

    /// <summary>Stochastic depth: the share of residual branches dropped while training, in all blocks alike and not in class attention.</summary>
    public double DropPathRate { get; init; }

    /// <summary>What the residual branches are multiplied by in a new network.</summary>
    internal double LayerScale => Depth < DeepFrom ? 1 : 1e-5;

    /// <summary>Returns itself if the values make a network.</summary>
    /// <exception cref="ArgumentException">Says in one line which value does not.</exception>
    public XcitOptions Validated()
    {
        string? fault =
            PatchSize is < 2 or > LargestPatch || !BitOperations.IsPow2(PatchSize)
                ? $"the patch size of an XCiT is a power of two from 2 to {LargestPatch}, not {PatchSize}" :
            EmbedDim < 1 || Depth < 1 || Heads < 1 ? "embedding dimension, depth and heads must be at least 1" :
            EmbedDim % Heads != 0 ? $"{Heads} heads do not divide the embedding dimension {EmbedDim}" :
            EmbedDim % (PatchSize / 2) != 0
                ? $"the embedding dimension {EmbedDim} of an XCiT with patches of {PatchSize} is no multiple of {PatchSize / 2}" :
            InputChannels < 1 ? $"images need at least 1 channel, not {InputChannels}" :
            DropPathRate is < 0 or >= 1 ? $"drop path rate must be in [0, 1), not {DropPathRate}" : null;
        return fault is null ? this : throw new ArgumentException(fault);
    }
}
