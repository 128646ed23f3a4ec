using DinoSharp.Models.Backbones;
using static TorchSharp.torch;

namespace DinoSharp.Models;

/// <summary>
/// What a classifier on a frozen network is given (arXiv 2104.14294, appendix F.2): of a transformer the class tokens of the last blocks,
/// each through the last norm, and for the larger ones the mean of the patch tokens; of another network its feature: the pooled maps of a ResNet,
/// the class token of an XCiT.
/// </summary>
/// <param name="LastBlocks">how many of a transformer's last blocks; at least 1</param>
/// <param name="AveragePatches">whether the mean of the last block's patch tokens is added; then the block is one</param>
public sealed record ProbeFeatures(int LastBlocks, bool AveragePatches)
{
    /// <summary>Tokens of this length are long enough that one block and the patches' mean did best.</summary>
    private const int LongToken = 768;

    private const int UsualBlocks = 4;

    /// <summary>As published for a network: ViT-S four class tokens, ViT-B one and the patches' mean.</summary>
    public static ProbeFeatures Published(Backbone backbone) => backbone is VisionTransformer { Options: var shape }
        ? shape.EmbedDim >= LongToken ? new(1, true) : new(Math.Min(UsualBlocks, shape.Depth), false)
        : new(1, false);

    /// <summary>Returns itself if a network has what is asked for.</summary>
    /// <exception cref="ArgumentException">Says in one line what it has not.</exception>
    public ProbeFeatures Validated(Backbone backbone)
    {
        int blocks = backbone is VisionTransformer { Options.Depth: var depth } ? depth : 1;
        string? fault =
            LastBlocks < 1 || LastBlocks > blocks ? $"the last {LastBlocks} blocks are asked for, and this network has {blocks}" :
            AveragePatches && backbone is not VisionTransformer ? "only a Vision Transformer has patch tokens to average" :
            AveragePatches && LastBlocks > 1 ? $"the mean of the patch tokens goes with 1 last block, not {LastBlocks}" : null;
        return fault is null ? this : throw new ArgumentException(fault);
    }

    /// <summary>Length of the features.</summary>
    public int DimOf(Backbone backbone) => backbone.FeatureDim * (AveragePatches ? 2 : LastBlocks);

    /// <summary>The features of images.</summary>
    /// <param name="backbone">in evaluation mode</param>
    /// <param name="images">normalised // [B, C, H, W]</param>
    /// <returns>// [B, <see cref="DimOf"/>]</returns>
    public Tensor Of(Backbone backbone, Tensor images)
    {
        if (backbone is not VisionTransformer transformer || this is { LastBlocks: 1, AveragePatches: false })
        {
            return backbone.forward(images);
        }

        using var scope = NewDisposeScope();
        var layers = transformer.IntermediateLayers(images, LastBlocks); // LastBlocks tensors [B, N+1, D]
        var classTokens = layers.Select(tokens => tokens.select(1, 0)).ToArray(); // [B, D] each
        if (!AveragePatches)
        {
            return cat(classTokens, 1).MoveToOuterDisposeScope(); // [B, LastBlocks D]
        }

        // The reference's classifiers expect the two in turns, value by value.
        var mean = layers[0].narrow(1, 1, layers[0].size(1) - 1).mean([1]); // [B, D]
        return stack([classTokens[0], mean], -1).flatten(1).MoveToOuterDisposeScope(); // [B, 2 D]
    }
}
