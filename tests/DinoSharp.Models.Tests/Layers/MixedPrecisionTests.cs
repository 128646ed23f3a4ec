using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Models.Layers;
using DinoSharp.Tests;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests.Layers;

/// <summary>Tests that seed the one generator of torch and count on what it draws: no other test runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class SeededTests
{
    public const string Name = "seeded";
}

/// <summary>Networks in lower precisions stay near float32, in values and gradients, and give and keep float32.</summary>
[Collection(SeededTests.Name)]
public sealed class MixedPrecisionTests
{
    private const int Images = 16;

    /// <summary>
    /// Relative errors of the outputs, and of all gradients together. The rounding of bfloat16 is up to 1/256 a number and that of half precision 1/2048; a
    /// norm, a residual sum or a head in the lower precision would add its own.
    /// </summary>
    [Theory]
    [InlineData("transformer", Precision.Bf16, 0.003, 0.012)]
    [InlineData("transformer", Precision.Fp16, 0.0005, 0.0008)]
    [InlineData("resnet", Precision.Bf16, 0.06, 0.03)]
    [InlineData("resnet", Precision.Fp16, 0.009, 0.007)]
    [InlineData("xcit", Precision.Bf16, 0.005, 0.004)]
    [InlineData("xcit", Precision.Fp16, 0.0007, 0.0005)]
    public void Gradients_stay_near_those_of_float32(string network, Precision precision, double valueBand, double gradientBand)
    {
        using var scope = NewDisposeScope();
        using var encoder = Encoder(network);
        var (exact, gradient) = Gradient(encoder, Precision.Float32);
        var (output, lower) = Gradient(encoder, precision);
        var (_, again) = Gradient(encoder, Precision.Float32);

        Assert.Equal(0, (gradient - again).abs().max().item<float>()); // nothing of the precision is left
        Assert.Equal(ScalarType.Float32, output.dtype);
        double ofValues = Error(exact, output), ofGradients = Error(gradient, lower);
        Assert.True(ofValues > 1e-5 && ofValues < valueBand, $"values differ by {ofValues:G3}");
        Assert.True(ofGradients > 1e-5 && ofGradients < gradientBand, $"gradients differ by {ofGradients:G3}");
    }

    /// <summary>What heads and losses see has more digits than the products.</summary>
    [Theory]
    [InlineData("transformer")]
    [InlineData("resnet")]
    [InlineData("xcit")]
    public void Features_and_prototypes_are_computed_in_float32(string network)
    {
        using var scope = NewDisposeScope();
        using var encoder = Encoder(network);
        using var precision = MixedPrecision.Use(Precision.Bf16);
        foreach (var values in new[] { encoder.Backbone.ForwardCrops(Crops()), encoder.Forward(Crops()) })
        {
            Assert.Equal(ScalarType.Float32, values.dtype);
            Assert.True((values - values.to(ScalarType.BFloat16)).abs().max().item<float>() > 0, "rounded to bfloat16");
        }
    }

    /// <summary>Narrow maps, whose weight gradients oneDNN leaves partly unwritten in bfloat16; memory is full of NaN before.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 5)]
    public void Strided_convolutions_have_their_gradients_on_small_maps(int height, int width)
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        using ConvolutionLayer layer = new(16, 32, 3, stride: 2, padding: 1, hasBias: false);
        var maps = rand(4, 16, height, width).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        var exact = Gradient(Precision.Float32);
        for (int i = 0; i < 20; i++)
        {
            foreach (int size in (int[])[64, 1000, 5000, 20_000])
            {
                full(size, float.NaN).Dispose();
            }

            double error = Error(exact, Gradient(Precision.Bf16));
            Assert.True(error < 0.01, $"gradients differ by {error:G3}");
        }

        Tensor Gradient(Precision precision)
        {
            using var inUse = MixedPrecision.Use(precision);
            layer.forward(maps).to(float32).square().sum().backward();
            var gradient = layer.Weight.grad!.clone();
            layer.Weight.grad = null;
            return gradient;
        }
    }

    [Fact]
    public void A_precision_ends_with_its_scope()
    {
        using (MixedPrecision.Use(Precision.Bf16))
        {
            using (MixedPrecision.Use(Precision.Float32))
            {
                Assert.Equal(Precision.Float32, MixedPrecision.InUse);
            }

            Assert.Equal(Precision.Bf16, MixedPrecision.InUse);
        }

        Assert.Equal(Precision.Float32, MixedPrecision.InUse);
    }

    /// <summary>Names, shapes and starting values, so that files and seeds mean what they did.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Layers_start_as_PyTorchs(bool convolutionHasBias)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        using var linear = nn.Linear(6, 4);
        using var convolution = nn.Conv2d(4, 8, 3, stride: 2, padding: 1, groups: 2, bias: convolutionHasBias);
        manual_seed(5);
        using LinearLayer ownLinear = new(6, 4);
        using ConvolutionLayer ownConvolution = new(4, 8, 3, stride: 2, padding: 1, groups: 2, hasBias: convolutionHasBias);
        var (rows, maps) = (rand(5, 6), rand(2, 4, 6, 6));
        Same(linear, ownLinear, rows);
        Same(convolution, ownConvolution, maps);

        static void Same(nn.Module<Tensor, Tensor> expected, nn.Module<Tensor, Tensor> actual, Tensor input)
        {
            Assert.Equal(expected.state_dict().Keys.Order(), actual.state_dict().Keys.Order());
            foreach (var (name, value) in expected.state_dict())
            {
                Golden.AssertClose(value, actual.state_dict()[name], 0, name);
            }

            Golden.AssertClose(expected.forward(input), actual.forward(input), 0, "output");
        }
    }

    private static MultiCropEncoder Encoder(string network)
    {
        manual_seed(1);
        Backbone backbone = network switch
        {
            "transformer" => new VisionTransformer(new() { PatchSize = 4, EmbedDim = 32, Depth = 3, Heads = 2, ImageSize = 16 }),
            "resnet" => new ResNet(new() { Blocks = [1, 1, 1, 1], Width = 8, SmallStem = true }),
            _ => new Xcit(new() { PatchSize = 8, EmbedDim = 32, Depth = 2, Heads = 2 }),
        };
        return new MultiCropEncoder(
            backbone, new DinoHead(backbone.FeatureDim, new() { OutputDim = 48, HiddenDim = 32, BottleneckDim = 16, FreezeMagnitude = false }));
    }

    private static Tensor[] Crops()
    {
        manual_seed(2);
        return [rand(Images, 3, 16, 16), rand(Images, 3, 8, 8)];
    }

    /// <summary>Output, and all gradients of a cross-entropy in a row.</summary>
    private static (Tensor Output, Tensor Gradient) Gradient(MultiCropEncoder encoder, Precision precision)
    {
        using var inUse = MixedPrecision.Use(precision);
        var output = encoder.Forward(Crops()); // [2 B, K]
        var targets = arange(0, output.size(0), ScalarType.Int64);
        const double scale = 16; // for half precision, as in a training
        (nn.functional.cross_entropy(output / 0.1, targets) * scale).backward();
        List<Tensor> gradients = [];
        foreach (var parameter in encoder.parameters())
        {
            Assert.Equal(ScalarType.Float32, parameter.grad!.dtype);
            gradients.Add(parameter.grad.flatten() / scale);
            parameter.grad = null;
        }

        return (output.detach(), cat(gradients));
    }

    private static double Error(Tensor expected, Tensor actual) => ((actual - expected).norm() / expected.norm()).item<float>();
}
