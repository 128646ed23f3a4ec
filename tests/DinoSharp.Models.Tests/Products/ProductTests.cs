using DinoSharp.Models.Backbones;
using DinoSharp.Models.Layers;
using DinoSharp.Models.Products;
using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests.Products;

/// <summary>Our products against torch's in float64, at sizes that leave every kind of rest.</summary>
[Collection(nameof(TorchGenerator))]
public sealed class ProductTests : TiledTests
{
    private const double Tolerance = 2e-6; // of the largest element

    public static TheoryData<int, int, int> Sizes => new()
    {
        { 14, 32, 32 }, { 15, 32, 96 }, { 27, 64, 32 }, { 56, 96, 64 }, { 57, 32, 64 }, { 112, 192, 576 }, { 125, 768, 192 }, { 1031, 192, 192 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Products_and_gradients_are_those_of_float64(int rows, int inputs, int outputs)
    {
        using var scope = NewDisposeScope();
        manual_seed(rows);
        var (input, weight, bias, gradient) = (randn(rows, inputs), randn(outputs, inputs), randn(outputs), randn(rows, outputs));
        Close(Wide(input).matmul(Wide(weight).t()) + Wide(bias), RowProduct.WithTransposed(input, weight, bias));
        Close(Wide(input).matmul(Wide(weight).t()), RowProduct.WithTransposed(input, weight, bias: null));
        Close(Wide(gradient).matmul(Wide(weight)), RowProduct.With(gradient, weight));
        var (ofWeight, ofBias) = WeightGradient.Of(gradient, input);
        Close(Wide(gradient).t().matmul(Wide(input)), ofWeight);
        Close(Wide(gradient).sum([0L]), ofBias);
    }

    [Fact]
    public void Nothing_depends_on_the_number_of_threads()
    {
        using var scope = NewDisposeScope();
        manual_seed(0);
        var (input, weight, gradient) = (randn(1500, 192), randn(288, 192), randn(1500, 288));
        SameOnAnyThreads(() =>
        {
            var (ofWeight, ofBias) = WeightGradient.Of(gradient, input);
            return [RowProduct.WithTransposed(input, weight, null), RowProduct.With(gradient, weight), ofWeight, ofBias];
        });
    }

    [Fact]
    public unsafe void Gelu_and_its_derivative_are_those_of_float64()
    {
        using var scope = NewDisposeScope();
        var values = cat([linspace(-12, 12, 4000), tensor(new[] { 0f, -0f, 1e-30f, -1e-30f, 40f, -40f, 1e4f, -1e4f }), zeros(8)]);
        var exact = Wide(values).requires_grad_();
        var expected = nn.functional.gelu(exact);
        expected.sum().backward();
        var (results, gradient) = (empty_like(values), ones_like(values));
        GaussianLinearUnit.Of(Floats.Of(values), (nint)values.numel(), Floats.Of(results));
        Assert.InRange((expected - results).abs().max().item<double>(), 0, 5e-7);
        GaussianLinearUnit.Backward(Floats.Of(values), (nint)values.numel(), Floats.Of(gradient));
        Assert.True(values.equal(results).all().item<bool>());
        Assert.InRange((exact.grad! - gradient).abs().max().item<double>(), 0, 1e-6);
    }

    [Theory]
    [InlineData(0.0, false)]
    [InlineData(0.4, false)]
    [InlineData(0.4, true)]
    public void A_transformer_and_its_gradients_are_those_of_torchs_products(double dropPath, bool recompute)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using var network = new VisionTransformer(new() { ImageSize = 32, PatchSize = 4, EmbedDim = 96, Depth = 3, Heads = 3, DropPathRate = dropPath });
        network.CheckpointsActivations = recompute;
        Tensor[] crops = [randn(16, 3, 32, 32), randn(24, 3, 16, 16)]; // 1448 tokens
        var weights = randn(40, 96);
        var (plain, own) = (Gradients(tiles: false), Gradients(tiles: true));
        Assert.False(plain[0].equal(own[0]).all().item<bool>()); // the other way was taken
        Assert.All(plain.Zip(own), pair => Close(pair.First, pair.Second, 2e-5));

        Tensor[] Gradients(bool tiles)
        {
            MatrixKernels.TilesInUse = tiles;
            manual_seed(2);
            network.zero_grad();
            var features = network.ForwardCrops(crops);
            (features * weights).sum().backward();
            return [features.detach(), .. network.parameters().Select(parameter => parameter.grad!.clone())];
        }
    }

    /// <summary>As 1x1 convolutions are: without a bias, and with gradients that come with other strides.</summary>
    [Fact]
    public void Gradients_of_a_layer_without_bias_are_those_of_float64()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        MatrixKernels.TilesInUse = true;
        var (input, weight, gradient) = (randn(1100, 160).requires_grad_(), randn(192, 160).requires_grad_(), randn(192, 1100));
        Assert.True(TiledLinear.IsFaster(input, weight));
        (MixedPrecision.Linear(input, weight, bias: null).t() * gradient).sum().backward();
        Close(Wide(gradient).t().matmul(Wide(weight)).detach(), input.grad!);
        Close(Wide(gradient).matmul(Wide(input)).detach(), weight.grad!);
    }

    [Fact]
    public void No_tensor_outlives_its_step()
    {
        using var network = new VisionTransformer(new() { ImageSize = 32, PatchSize = 4, EmbedDim = 96, Depth = 3, Heads = 3, DropPathRate = 0.3 });
        MatrixKernels.TilesInUse = true;
        Step();
        Step();
        long before = TensorCount.Settled();
        for (int i = 0; i < 5; i++)
        {
            Step();
        }

        Assert.Equal(before, TensorCount.Settled());

        void Step()
        {
            using var scope = NewDisposeScope();
            network.ForwardCrops([randn(20, 3, 32, 32)]).sum().backward();
            network.zero_grad();
        }
    }

    private static void Close(Tensor expected, Tensor actual) => Close(expected, actual, Tolerance);

    private static Tensor Wide(Tensor tensor) => tensor.to(ScalarType.Float64);
}
