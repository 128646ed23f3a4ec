using System.Globalization;

namespace DinoSharp.Checkpoints;

/// <summary>What kind and size of network a set of tensors belongs to.</summary>
public abstract record BackboneShape
{
    /// <summary>Width of one attention head in every published network, where nothing else is known.</summary>
    private const int UsualHeadDim = 64;

    /// <summary>The shape that fits the tensors.</summary>
    /// <param name="backbone">under the reference's or torchvision's names</param>
    /// <param name="heads">attention heads where they are known; otherwise one for each 64 of the embedding</param>
    /// <param name="path">for the message</param>
    /// <exception cref="CheckpointException">One line: no network of this library has such tensors.</exception>
    public static BackboneShape Infer(NamedArrays backbone, int? heads, string path)
    {
        if (backbone.TryGet("patch_embed.proj.weight", out var patches) && patches.Shape is [var dim, var channels, var side, var side2] && side == side2 &&
            backbone.TryGet("pos_embed", out var positions) && positions.Shape is [1, var tokens, _] &&
            backbone.TryGet("blocks.0.mlp.fc1.weight", out var hidden) && hidden.Shape is [var hiddenDim, _])
        {
            int grid = (int)Math.Round(Math.Sqrt(tokens - 1));
            if (grid * grid != tokens - 1 || grid == 0)
            {
                throw new CheckpointException($"{path}: {tokens - 1} position embeddings are no square grid");
            }

            int headCount = heads ?? (dim % UsualHeadDim == 0 ? (int)(dim / UsualHeadDim) : throw new CheckpointException(
                $"{path}: does not say how many attention heads its network of {dim} dimensions has: say it with --num-heads"));
            return new TransformerShape((int)dim, CountBlocks(backbone, "blocks."), headCount, (int)hiddenDim, (int)side, grid, (int)channels);
        }

        if (backbone.TryGet("conv1.weight", out var stem) && stem.Shape is [64, var stemChannels, 7, 7])
        {
            return new ResNetShape([.. Enumerable.Range(1, 4).Select(s => CountBlocks(backbone, string.Create(CultureInfo.InvariantCulture, $"layer{s}.")))], (int)stemChannels);
        }

        throw new CheckpointException(
            $"{path}: neither a Vision Transformer nor a ResNet; it has {string.Join(", ", backbone.Names.Take(3))}{(backbone.Count > 3 ? ", ..." : "")}");
    }

    private static int CountBlocks(NamedArrays backbone, string prefix) =>
        backbone.Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => n[prefix.Length..].Split('.')[0]).Distinct().Count();
}

/// <summary>A Vision Transformer.</summary>
/// <param name="EmbedDim">length of a token</param>
/// <param name="Depth">blocks</param>
/// <param name="Heads">attention heads a block</param>
/// <param name="HiddenDim">width inside the MLP</param>
/// <param name="PatchSize">side of a patch in pixels</param>
/// <param name="GridSide">patches along a side of the images it was trained on</param>
/// <param name="InputChannels">channels of the images</param>
public sealed record TransformerShape(int EmbedDim, int Depth, int Heads, int HiddenDim, int PatchSize, int GridSide, int InputChannels) : BackboneShape;

/// <summary>A ResNet of bottleneck blocks.</summary>
/// <param name="Blocks">in each of the four stages</param>
/// <param name="InputChannels">channels of the images</param>
public sealed record ResNetShape(IReadOnlyList<int> Blocks, int InputChannels) : BackboneShape;
