namespace DinoSharp.Models.Backbones;

/// <summary>The shape of a residual network (arXiv 1512.03385).</summary>
public sealed record ResNetOptions
{
    /// <summary>Blocks in each of the four stages; 3, 4, 6, 3 make ResNet-50.</summary>
    public IReadOnlyList<int> Blocks { get; init; } = [3, 4, 6, 3];

    /// <summary>Whether a block is a bottleneck (ResNet-50 and deeper) or two plain convolutions (ResNet-18).</summary>
    public bool Bottlenecks { get; init; } = true;

    /// <summary>Channels after the stem; each stage after the first doubles its inner width.</summary>
    public int Width { get; init; } = 64;

    /// <summary>
    /// A stem of one 3x3 convolution that keeps the size, for images of icon size, in place of the 7x7 one with stride 2 and the pooling
    /// after it: a picture of 32 pixels would leave those as 8 (arXiv 2002.05709, appendix B.9).
    /// </summary>
    public bool SmallStem { get; init; }

    /// <summary>Whether the last norm of each block begins at zero, so that blocks begin by changing nothing (arXiv 1706.02677, section 5.1).</summary>
    public bool ZeroInitResidual { get; init; }

    /// <summary>Channels of the images.</summary>
    public int InputChannels { get; init; } = 3;

    /// <summary>Returns itself if the values make a network.</summary>
    /// <exception cref="ArgumentException">Says in one line which value does not.</exception>
    public ResNetOptions Validated()
    {
        string? fault =
            Blocks.Count != ResNet.Stages || Blocks.Any(b => b < 1) ? $"a ResNet has {ResNet.Stages} stages of at least 1 block" :
            Width < 1 ? $"width must be at least 1, not {Width}" :
            InputChannels < 1 ? $"images need at least 1 channel, not {InputChannels}" : null;
        return fault is null ? this : throw new ArgumentException(fault);
    }
}
