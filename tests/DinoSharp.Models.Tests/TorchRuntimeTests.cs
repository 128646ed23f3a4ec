using DinoSharp.Models.Backbones;
using DinoSharp.Models.Layers;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests;

/// <summary>What is set for speed must not cost exactness.</summary>
public sealed class TorchRuntimeTests
{
    [Fact]
    public void Tuned_products_and_their_gradients_have_single_precision()
    {
        TorchRuntime.Tune();
        using var scope = NewDisposeScope();
        manual_seed(1);
        var (x, w, upstream) = (randn(300, 192), randn(768, 192), randn(300, 768));
        var (narrow, wide) = (Gradients(ScalarType.Float32), Gradients(ScalarType.Float64));
        foreach (var (actual, expected) in narrow.Zip(wide))
        {
            Golden.AssertClose(expected, actual.to(ScalarType.Float64), 1e-3, "product"); // of magnitude 100; bfloat16 is off by 0.3
        }

        Tensor[] Gradients(ScalarType type)
        {
            var (input, weight) = (x.to(type, copy: true).requires_grad_(), w.to(type, copy: true).requires_grad_());
            var output = nn.functional.linear(input, weight);
            output.backward([upstream.to(type)]);
            return [output, input.grad!, weight.grad!];
        }
    }

    /// <summary>With a gradient and without one, a tuned layer takes different ways to the same numbers; of many rows and of few.</summary>
    [Theory]
    [InlineData(3, 500)]
    [InlineData(2, 5)]
    public void A_tuned_linear_layer_is_x_times_W_plus_b(long images, long tokens)
    {
        TorchRuntime.Tune();
        using var scope = NewDisposeScope();
        manual_seed(1);
        using var layer = new LinearLayer(96, 160);
        var (x, upstream) = (randn(images, tokens, 96), randn(images, tokens, 160));
        var (weight, bias) = (layer.Weight.to(ScalarType.Float64).detach().requires_grad_(), layer.Bias!.to(ScalarType.Float64).detach().requires_grad_());
        var expected = nn.functional.linear(x.to(ScalarType.Float64), weight, bias);
        expected.backward([upstream.to(ScalarType.Float64)]);

        var input = x.clone().requires_grad_();
        var output = layer.forward(input);
        output.backward([upstream]);
        using (no_grad())
        {
            Golden.AssertClose(expected.detach(), layer.forward(x).to(ScalarType.Float64), 1e-5, "without a gradient");
        }

        Golden.AssertClose(expected.detach(), output.detach().to(ScalarType.Float64), 1e-5, "with a gradient");
        Golden.AssertClose(upstream.to(ScalarType.Float64).matmul(weight).detach(), input.grad!.to(ScalarType.Float64), 1e-4, "input's gradient");
        Golden.AssertClose(weight.grad!, layer.Weight.grad!.to(ScalarType.Float64), 1e-3, "weight's gradient");
        Golden.AssertClose(bias.grad!, layer.Bias!.grad!.to(ScalarType.Float64), 1e-3, "bias's gradient");
    }

    /// <summary>Tuned, attention may be computed in another way.</summary>
    [Fact]
    public void A_tuned_transformer_still_gives_the_references_features()
    {
        TorchRuntime.Tune();
        using var scope = NewDisposeScope();
        using Golden weights = Golden.Read("vit/weights.safetensors"), inputs = Golden.Read("vit/inputs.safetensors");
        using var outputs = Golden.Read("vit/outputs.safetensors");
        using var network = new VisionTransformer(new() { EmbedDim = 48, Depth = 3, Heads = 3, PatchSize = 8, ImageSize = 64 });
        weights.CopyInto(network);
        network.eval();
        foreach (string name in inputs.Names)
        {
            Golden.AssertClose(outputs[name + ".features"], network.forward(inputs[name]), 5e-5, name);
        }
    }

    [Theory]
    [InlineData("gpu")]
    [InlineData("cuda:x")]
    [InlineData("cuda:999")]
    public void A_device_that_is_not_there_is_named(string device) =>
        Assert.Contains($"'{device}'", Assert.Throws<TorchUnavailableException>(() => TorchRuntime.ParseDevice(device)).Message, StringComparison.Ordinal);
}
