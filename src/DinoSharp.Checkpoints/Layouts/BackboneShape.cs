using System.Globalization;

namespace DinoSharp.Checkpoints;

/// <summary>What kind and size of network a set of tensors belongs to.</summary>
public abstract record BackboneShape
{
    /// <summary>Width of one attention head in every published network, where nothing else is known.</summary>
    private const int UsualHeadDim = 64;

    /// <summary>How many more numbers than a file holds its network may have: below it, a partial file; above, a forged one.</summary>
    private const int LargestGap = 16;

    /// <summary>Sides of the first convolution of a ResNet for photographs and of one for images of icon size.</summary>
    private protected const int LargeStem = 7, SmallStem = 3;

    /// <summary>Trainable numbers of the whole network.</summary>
    public abstract long ParameterCount { get; }

    /// <summary>The shape that fits the tensors.</summary>
    /// <param name="backbone">under the reference's or torchvision's names</param>
    /// <param name="heads">a Vision Transformer's attention heads where they are known; otherwise one for each 64 of the embedding</param>
    /// <param name="path">for the message</param>
    /// <exception cref="CheckpointException">One line: no network of this library has such tensors.</exception>
    public static BackboneShape Infer(NamedArrays backbone, int? heads, string path)
    {
        BackboneShape shape = Transformer(backbone, heads, path) ?? ResNet(backbone) ?? (BackboneShape?)Xcit(backbone) ?? throw new CheckpointException(
            $"{path}: neither a Vision Transformer nor a ResNet nor an XCiT; " +
            $"it has {string.Join(", ", backbone.Names.Take(3))}{(backbone.Count > 3 ? ", ..." : "")}");
        long held = backbone.Sum(a => a.Value.Count);
        return shape.ParameterCount / LargestGap <= held ? shape : throw new CheckpointException(string.Create(CultureInfo.InvariantCulture,
            $"{path}: its names are those of a network of {shape.ParameterCount} parameters, but it holds {held} numbers"));
    }

    /// <summary>How many heads a network of this width has where nothing says it; null if the width gives no answer.</summary>
    internal static int? UsualHeads(long dim) => dim % UsualHeadDim == 0 ? (int)(dim / UsualHeadDim) : null;

    private static TransformerShape? Transformer(NamedArrays backbone, int? heads, string path)
    {
        if (!(backbone.TryGet("patch_embed.proj.weight", out var patches) &&
            patches.Shape is [>= 1 and var dim, >= 1 and var channels, >= 1 and var side, var side2] &&
            side == side2 &&
            backbone.TryGet("pos_embed", out var positions) && positions.Shape is [1, >= 2 and var tokens, var positionDim] &&
            positionDim == dim &&
            backbone.TryGet("blocks.0.mlp.fc1.weight", out var hidden) && hidden.Shape is [>= 1 and var hiddenDim, var inputDim] &&
            inputDim == dim))
        {
            return null;
        }

        int grid = (int)Math.Round(Math.Sqrt(tokens - 1));
        if ((long)grid * grid != tokens - 1)
        {
            throw new CheckpointException($"{path}: {tokens - 1} position embeddings are no square grid");
        }

        int headCount = heads ?? UsualHeads(dim) ?? throw new CheckpointException(
            $"{path}: does not say how many attention heads its network of {dim} dimensions has: say it with --num-heads");
        return headCount >= 1 && dim % headCount == 0
            ? new TransformerShape((int)dim, CountBlocks(backbone, "blocks."), headCount, (int)hiddenDim, (int)side, grid, (int)channels)
            : throw new CheckpointException(string.Create(CultureInfo.InvariantCulture,
                $"{path}: {headCount} attention heads do not divide its {dim} dimensions: say the right number with --num-heads"));
    }

    private static ResNetShape? ResNet(NamedArrays backbone)
    {
        if (!(backbone.TryGet("conv1.weight", out var stem) && stem.Shape is [>= 1 and var width, >= 1 and var channels, var side, var side2] &&
            side == side2 && side is LargeStem or SmallStem && width <= int.MaxValue / 64))
        {
            return null;
        }

        int[] blocks = [.. Enumerable.Range(1, 4).Select(s =>
            CountBlocks(backbone, string.Create(CultureInfo.InvariantCulture, $"layer{s}.")))];
        return blocks.All(b => b > 0)
            ? new ResNetShape(blocks, (int)channels, backbone.TryGet("layer1.0.conv3.weight", out _), (int)width, side == SmallStem)
            : null;
    }

    private static XcitShape? Xcit(NamedArrays backbone)
    {
        if (!(backbone.TryGet("patch_embed.proj.0.0.weight", out var first) && first.Shape is [>= 1, >= 1 and var channels, 3, 3] &&
            backbone.TryGet("cls_token", out var token) && token.Shape is [1, 1, >= 1 and <= XcitShape.LargestDim and var dim] &&
            backbone.TryGet("blocks.0.attn.temperature", out var temperature) && temperature.Shape is [>= 1 and var heads, 1, 1] &&
            channels <= XcitShape.LargestDim && heads <= dim && dim % heads == 0))
        {
            return null;
        }

        int convolutions = 1;
        while (convolutions <= XcitShape.MostConvolutions && backbone.TryGet(Convolution(convolutions), out _))
        {
            convolutions++;
        }

        return convolutions <= XcitShape.MostConvolutions && first.Shape[0] == dim >> (convolutions - 1)
            ? new XcitShape((int)dim, CountBlocks(backbone, "blocks."), (int)heads, 1 << convolutions, (int)channels)
            : null;

        // GELUs, which have no tensors, stand between them.
        static string Convolution(int index) => string.Create(CultureInfo.InvariantCulture, $"patch_embed.proj.{2 * index}.0.weight");
    }

    private static int CountBlocks(NamedArrays backbone, string prefix) =>
        backbone.Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal))
            .Select(n => n[prefix.Length..].Split('.')[0]).Distinct().Count();
}

/// <summary>A Vision Transformer.</summary>
/// <param name="EmbedDim">length of a token</param>
/// <param name="Depth">blocks</param>
/// <param name="Heads">attention heads a block</param>
/// <param name="HiddenDim">width inside the MLP</param>
/// <param name="PatchSize">side of a patch in pixels</param>
/// <param name="GridSide">patches along a side of the images it was trained on</param>
/// <param name="InputChannels">channels of the images</param>
public sealed record TransformerShape(int EmbedDim, int Depth, int Heads, int HiddenDim, int PatchSize, int GridSide, int InputChannels)
    : BackboneShape
{
    /// <inheritdoc/>
    public override long ParameterCount
    {
        get
        {
            long dim = EmbedDim;
            long tokens = 1 + (1 + (long)GridSide * GridSide); // class token, positions
            long patches = (long)InputChannels * PatchSize * PatchSize + 1;
            long attention = 4 * dim + 4; // query, key, value, projection, with biases
            long mlp = 2L * HiddenDim + 1; // both matrices and the second's bias
            long norms = 4; // two in a block, of scale and shift
            return dim * (tokens + patches + 2) + Depth * (dim * (attention + mlp + norms) + HiddenDim);
        }
    }
}

/// <summary>A ResNet.</summary>
/// <param name="Blocks">in each of the four stages</param>
/// <param name="InputChannels">channels of the images</param>
/// <param name="Bottlenecks">whether blocks are bottlenecks, or two plain convolutions</param>
/// <param name="Width">channels after the stem</param>
/// <param name="HasSmallStem">whether the stem is a 3x3 convolution that keeps the size</param>
public sealed record ResNetShape(
    IReadOnlyList<int> Blocks, int InputChannels, bool Bottlenecks = true, int Width = 64, bool HasSmallStem = false) : BackboneShape
{
    private const int Expansion = 4;

    /// <inheritdoc/>
    public override long ParameterCount
    {
        get
        {
            long count = Convolution(InputChannels, Width, HasSmallStem ? SmallStem : LargeStem);
            long width = Width, input = Width;
            foreach (int blocks in Blocks)
            {
                long output = Bottlenecks ? width * Expansion : width;
                count += input == output ? 0 : Convolution(input, output, 1); // the shortcut of the first block
                count += Block(input, width, output) + (blocks - 1) * Block(output, width, output);
                (width, input) = (width * 2, output);
            }

            return count;
        }
    }

    private long Block(long input, long width, long output) => Bottlenecks
        ? Convolution(input, width, 1) + Convolution(width, width, 3) + Convolution(width, output, 1)
        : Convolution(input, width, 3) + Convolution(width, output, 3);

    /// <summary>A convolution without bias and the batch norm behind it.</summary>
    private static long Convolution(long input, long output, long side) => output * (input * side * side + 2);
}

/// <summary>A cross-covariance image transformer with its two layers of class attention.</summary>
/// <param name="EmbedDim">length of a token</param>
/// <param name="Depth">blocks</param>
/// <param name="Heads">attention heads a block</param>
/// <param name="PatchSize">side of a patch in pixels, a power of two</param>
/// <param name="InputChannels">channels of the images</param>
public sealed record XcitShape(int EmbedDim, int Depth, int Heads, int PatchSize, int InputChannels) : BackboneShape
{
    /// <summary>Of a token; far above any published one, and small enough that no count overflows.</summary>
    internal const int LargestDim = 1 << 16;

    /// <summary>Of the patch embedding; each halves the sides.</summary>
    internal const int MostConvolutions = 5;

    private const int ClassLayers = 2;
    private const int MlpRatio = 4;
    private const int PositionDim = 64;

    /// <inheritdoc/>
    public override long ParameterCount
    {
        get
        {
            long dim = EmbedDim;
            long embedding = 0;
            for (long input = InputChannels, output = 2 * dim / PatchSize; output <= dim && output > 0; (input, output) = (output, 2 * output))
            {
                embedding += output * (9 * input + 2); // a 3x3 convolution without bias and its batch norm
            }

            long attention = 4 * dim + 4; // query, key, value, projection, with biases
            long mlp = 2 * MlpRatio * dim + MlpRatio + 1; // both matrices and biases
            long local = 2 * 10 + 2; // two depthwise convolutions with biases, a batch norm
            long block = dim * (attention + mlp + local + 6 + 3) + Heads; // three norms, three scales, temperatures
            long classLayer = dim * (attention + mlp + 4 + 2); // two norms, two scales
            return embedding + dim * (1 + PositionDim + 1 + 2) + Depth * block + ClassLayers * classLayer; // class token, positions, last norm
        }
    }
}
