using DinoSharp.Models.Backbones;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests;

/// <summary>The reference's network, its weights and inputs, and what it made of them (fixtures/vit).</summary>
public sealed class VisionTransformerTests : IDisposable
{
    private const double FeatureTolerance = 5e-5;
    private const double AttentionTolerance = 1e-5;

    private readonly Golden _inputs = Golden.Read("vit/inputs.safetensors");
    private readonly Golden _outputs = Golden.Read("vit/outputs.safetensors");
    private readonly VisionTransformer _network;

    public VisionTransformerTests()
    {
        _network = Small();
        using var weights = Golden.Read("vit/weights.safetensors");
        weights.CopyInto(_network);
        _network.eval();
    }

    [Theory]
    [InlineData("square64")]
    [InlineData("small32")]
    [InlineData("wide48x80")]
    [InlineData("strip32x128")]
    [InlineData("odd70x67")]
    public void Features_and_positions_are_the_references_for_any_image_size(string size)
    {
        using var scope = NewDisposeScope();
        var images = _inputs[size];
        Golden.AssertClose(_outputs[size + ".pos-embed"], _network.FitPositions(images.size(2), images.size(3)), 1e-5, "positions");
        Golden.AssertClose(_outputs[size + ".features"], _network.forward(images), FeatureTolerance, "features");
    }

    [Theory]
    [InlineData("square64")]
    [InlineData("small32")]
    [InlineData("wide48x80")]
    public void Attention_and_layers_are_the_references(string size)
    {
        using var scope = NewDisposeScope();
        Golden.AssertClose(_outputs[size + ".last-attention"], _network.LastSelfAttention(_inputs[size]), AttentionTolerance, "attention");
        var layers = _network.IntermediateLayers(_inputs[size], 3);
        Assert.Equal(3, layers.Length);
        for (int i = 0; i < 3; i++)
        {
            Golden.AssertClose(_outputs[$"{size}.layer{i}"], layers[i], FeatureTolerance, $"layer {i}");
        }
    }

    [Fact]
    public void Crops_of_several_sizes_in_one_pass_give_what_each_gives_alone_with_the_same_gradients()
    {
        using var scope = NewDisposeScope();
        Tensor[] crops = [_inputs["square64"], _inputs["small32"], _inputs["wide48x80"]];
        _network.train();
        var together = _network.ForwardCrops(crops);
        var direction = randn_like(together);
        (together * direction).sum().backward();
        var gradients = _network.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!.clone());
        _network.zero_grad();

        var apart = cat([.. crops.Select(_network.forward)]);
        (apart * direction).sum().backward();

        Golden.AssertClose(apart, together, 1e-5, "features");
        foreach (var (name, parameter) in _network.named_parameters())
        {
            Golden.AssertClose(parameter.grad!, gradients[name], 1e-4, name);
        }
    }

    [Fact]
    public void Stochastic_depth_drops_whole_images_and_keeps_the_mean()
    {
        using var scope = NewDisposeScope();
        manual_seed(7);
        var network = new VisionTransformer(new() { PatchSize = 8, ImageSize = 16, EmbedDim = 12, Depth = 2, Heads = 3, DropPathRate = 0.5 });
        var image = randn(1, 3, 16, 16);
        var features = network.forward(image.expand(4000, -1, -1, -1)); // [4000, 12]
        // The last block has the full rate: its two branches are kept or dropped, so one image has at most four different features.
        float[] first = [.. features.select(1, 0).data<float>()];
        Assert.Equal(4, first.Select(v => MathF.Round(v, 4)).Distinct().Count());

        network.eval();
        var alike = network.forward(image.expand(3, -1, -1, -1));
        Golden.AssertClose(alike[0], alike[2], 1e-6, "evaluation");
    }

    [Fact]
    public void A_new_network_starts_from_the_references_distributions()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        foreach (var (name, parameter) in new VisionTransformer(new()).named_parameters())
        {
            var (mean, deviation) = (parameter.mean().item<float>(), parameter.std().item<float>());
            if (name.StartsWith("patch_embed", StringComparison.Ordinal))
            {
                // A convolution's default: uniform within ±1 / √fan-in.
                Assert.Equal(1 / Math.Sqrt(3 * 3 * 16 * 16), deviation, 0.002);
            }
            else if (name.EndsWith("bias", StringComparison.Ordinal) || name.Contains("norm", StringComparison.Ordinal))
            {
                Assert.Equal((name.EndsWith("bias", StringComparison.Ordinal) ? 0 : 1, 0), (mean, deviation));
            }
            else
            {
                Assert.True(Math.Abs(deviation - 0.02) < 0.003, $"{name}: deviation {deviation}");
                Assert.True(Math.Abs(mean) < 0.004, $"{name}: mean {mean}");
            }
        }
    }

    [Theory]
    [InlineData(8, 4, 3, "4 heads do not divide")]
    [InlineData(8, 3, 0, "at least 1")]
    [InlineData(128, 3, 3, "smaller than one patch")]
    public void Impossible_shapes_are_refused_in_one_line(int patch, int heads, int depth, string expected)
    {
        var options = new VisionTransformerOptions { PatchSize = patch, ImageSize = 64, EmbedDim = 9, Depth = depth, Heads = heads };
        Assert.Contains(expected, Assert.Throws<ArgumentException>(() => new VisionTransformer(options)).Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _inputs.Dispose();
        _outputs.Dispose();
        _network.Dispose();
    }

    private static VisionTransformer Small() =>
        new(new() { PatchSize = 8, ImageSize = 64, EmbedDim = 48, Depth = 3, Heads = 3 });
}
