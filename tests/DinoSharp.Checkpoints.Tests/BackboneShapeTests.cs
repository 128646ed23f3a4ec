using DinoSharp.Tests;

namespace DinoSharp.Checkpoints.Tests;

public sealed class BackboneShapeTests
{
    private static readonly NamedArrays Weights = SafetensorsFile.Read(TestFolder.Fixture("vit/weights.safetensors"));

    [Fact]
    public void The_shape_follows_from_the_tensors_and_the_heads_from_the_caller()
    {
        var shape = Assert.IsType<TransformerShape>(BackboneShape.Infer(Weights, 3, "file"));
        Assert.Equal(new TransformerShape(48, 3, 3, 192, 8, 8, 3), shape);
        Assert.Equal(Weights.Sum(w => w.Value.Count), shape.ParameterCount);
        Refuse("48 dimensions", Weights, null);
        Refuse("5 attention heads do not divide", Weights, 5);
        Refuse("0 attention heads do not divide", Weights, 0);
        Refuse("-3 attention heads do not divide", Weights, -3);
    }

    // Counts of the published networks, without classifier.
    [Theory]
    [InlineData(192, 3, 16, 5_524_416)]
    [InlineData(384, 6, 16, 21_665_664)]
    [InlineData(384, 6, 8, 21_670_272)]
    [InlineData(768, 12, 16, 85_798_656)]
    [InlineData(768, 12, 8, 85_807_872)]
    public void Transformers_have_their_published_size(int dim, int heads, int patch, long parameters) =>
        Assert.Equal(parameters, new TransformerShape(dim, 12, heads, 4 * dim, patch, 224 / patch, 3).ParameterCount);

    [Fact]
    public void ResNets_have_their_published_size()
    {
        Assert.Equal(23_508_032, new ResNetShape([3, 4, 6, 3], 3).ParameterCount);
        Assert.Equal(11_176_512, new ResNetShape([2, 2, 2, 2], 3, Bottlenecks: false).ParameterCount);
        Assert.Equal(21_284_672, new ResNetShape([3, 4, 6, 3], 3, Bottlenecks: false).ParameterCount);
        Assert.Equal(42_500_160, new ResNetShape([3, 4, 23, 3], 3).ParameterCount);
        Assert.Equal(93_907_072, new ResNetShape([3, 4, 6, 3], 3, Width: 128).ParameterCount);
    }

    [Theory]
    [InlineData(384, 12, 16, 25_868_304)]
    [InlineData(384, 12, 8, 25_828_032)]
    [InlineData(512, 24, 16, 83_882_752)]
    [InlineData(512, 24, 8, 83_810_624)]
    public void XCiTs_have_their_published_size(int dim, int depth, int patch, long parameters) =>
        Assert.Equal(parameters, new XcitShape(dim, depth, 8, patch, 3).ParameterCount);

    [Fact]
    public void An_XCiT_says_its_shape_and_its_heads_itself_and_a_forged_one_is_refused()
    {
        var whole = Xcit(dim: 16, heads: 4, channels: 2);
        Assert.Equal(new XcitShape(16, 1, 4, 8, 2), BackboneShape.Infer(whole, null, "file"));
        Assert.Equal(new XcitShape(16, 1, 4, 8, 2), BackboneShape.Infer(whole, 7, "file"));
        Refuse("nor an XCiT", Xcit(dim: 16, heads: 3, channels: 2), null); // heads that do not divide
        Refuse("nor an XCiT", Xcit(dim: 24, heads: 4, channels: 2, first: 4), null); // a width that does not end at the token's
        Refuse("nor an XCiT", Xcit(dim: 1 << 17, heads: 4, channels: 2, convolutions: 1, first: 1 << 17), null);
        Refuse("nor an XCiT", Xcit(dim: 1024, heads: 4, channels: 2, convolutions: 6), null);
        Refuse("but it holds", Xcit(dim: 1 << 14, heads: 4, channels: 2), null);
    }

    /// <summary>The tensors that tell a shape, and enough other numbers for a network of 16 dimensions.</summary>
    private static NamedArrays Xcit(int dim, int heads, int channels, int? first = null, int convolutions = 3)
    {
        var arrays = Copy(
        [
            KeyValuePair.Create("cls_token", Zeros(1, 1, dim)),
            KeyValuePair.Create("blocks.0.attn.temperature", Zeros(heads, 1, 1)),
            KeyValuePair.Create("blocks.0.attn.qkv.weight", Zeros(1000)),
        ]);
        for (int i = 0; i < convolutions; i++)
        {
            arrays.Add($"patch_embed.proj.{2 * i}.0.weight", Zeros(i == 0 ? first ?? dim >> (convolutions - 1) : 1, channels, 3, 3));
        }

        return arrays;

        static ArrayData Zeros(params long[] shape) => ArrayData.FromFloat32(new float[shape.Aggregate(1L, (a, b) => a * b)], shape);
    }

    [Fact]
    public void Tensors_of_no_network_and_forged_ones_are_refused_before_memory_is_taken()
    {
        var many = Copy(Weights);
        for (int i = 3; i < 100_000; i++)
        {
            many.Add($"blocks.{i}.norm1.bias", ArrayData.FromFloat32([], 0));
        }

        Refuse("but it holds", many, 3);
        Refuse("neither a Vision Transformer nor",
            Replaced("pos_embed", new ArrayData(ElementType.Float32, [1, 1L << 60, 0], ReadOnlyMemory<byte>.Empty)), 3);
        Refuse("neither a Vision Transformer nor",
            Replaced("patch_embed.proj.weight", new ArrayData(ElementType.Float32, [48, 0, 8, 8], ReadOnlyMemory<byte>.Empty)), 3);
        Refuse("neither a Vision Transformer nor",
            Replaced("blocks.0.mlp.fc1.weight", new ArrayData(ElementType.Float32, [1L << 40, 0], ReadOnlyMemory<byte>.Empty)), 3);
        Refuse("6 position embeddings are no square grid", Replaced("pos_embed", ArrayData.FromFloat32(new float[7 * 48], 1, 7, 48)), 3);
        Refuse("it has features", Copy([KeyValuePair.Create("features", ArrayData.FromFloat32([1], 1))]), null);
    }

    private static void Refuse(string words, NamedArrays backbone, int? heads)
    {
        var refusal = Assert.Throws<CheckpointException>(() => BackboneShape.Infer(backbone, heads, "file"));
        Assert.StartsWith("file: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
    }

    private static NamedArrays Replaced(string name, ArrayData array) =>
        Copy(Weights.Select(w => w.Key == name ? KeyValuePair.Create(name, array) : w));

    private static NamedArrays Copy(IEnumerable<KeyValuePair<string, ArrayData>> arrays)
    {
        var copy = new NamedArrays();
        foreach (var (name, array) in arrays)
        {
            copy.Add(name, array);
        }

        return copy;
    }
}
