using DinoSharp.Checkpoints;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests;

/// <summary>
/// ResNets by name. Their values are held against torchvision's for ResNet-50 (<see cref="FormulaTests"/>) and here, for the other kind of
/// block and other widths, against the architecture written down once more, as functions of torchvision's tensors in double precision.
/// </summary>
public sealed class ResNetTests
{
    // torchvision's counts without fc. Those of the doubled network follow from its widths; BYOL gives 94 M.
    [Theory]
    [InlineData("resnet18", "ResNet-18", 11_176_512, 512)]
    [InlineData("resnet34", "ResNet-34", 21_284_672, 512)]
    [InlineData("resnet50", "ResNet-50", 23_508_032, 2048)]
    [InlineData("resnet101", "ResNet-101", 42_500_160, 2048)]
    [InlineData("resnet50w2", "ResNet-50w2", 93_907_072, 4096)]
    public void Named_networks_have_their_published_size_and_come_back_from_a_file(string name, string label, long parameters, int dim)
    {
        using var folder = new TestFolder();
        using var scope = NewDisposeScope();
        using var network = BackboneCatalogue.Create(name);
        Assert.Equal((parameters, dim), (network.parameters().Sum(p => p.numel()), network.FeatureDim));
        Assert.Equal(label, BackboneCatalogue.Label(network));
        Assert.True(BackboneCatalogue.IsResNet(name));

        string path = Path.Combine(folder.Path, "weights.safetensors");
        var arrays = WeightLoading.Arrays(network);
        WeightsWriter.Write(path, arrays, BackboneShape.Infer(arrays, null, "file"));
        using var loaded = Assert.IsType<ResNet>(Pretrained.Load(path).Backbone);
        var options = ((ResNet)network).Options;
        Assert.Equal(options with { Blocks = [] }, loaded.Options with { Blocks = [] });
        Assert.Equal(options.Blocks, loaded.Options.Blocks);
        Assert.All(WeightLoading.Arrays(loaded), a => Assert.True(arrays[a.Key].Bytes.Span.SequenceEqual(a.Value.Bytes.Span), a.Key));
    }

    [Fact]
    public void Networks_of_no_name_say_their_shape()
    {
        using ResNet narrow = new(BackboneCatalogue.Residual("resnet50w2") with { Width = 16 });
        using ResNet other = new(new() { Blocks = [1, 1, 2, 1], Bottlenecks = false, Width = 8 });
        Assert.Equal("ResNet-50, width 16", BackboneCatalogue.Label(narrow));
        Assert.Equal("ResNet-1.1.2.1, width 8", BackboneCatalogue.Label(other));
    }

    [Theory]
    [InlineData(true, 4, false)]
    [InlineData(false, 6, false)]
    [InlineData(false, 4, true)]
    public void Features_are_those_of_the_architecture_written_down_as_functions(bool bottlenecks, int width, bool smallStem)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        manual_seed(3);
        using ResNet network = new(new() { Blocks = [2, 1, 2, 1], Bottlenecks = bottlenecks, Width = width, SmallStem = smallStem });
        foreach (var (name, value) in network.state_dict().Where(entry => entry.Value.is_floating_point()))
        {
            // Statistics, scales and shifts that are not those of a new network.
            value.add_(name.EndsWith("running_var", StringComparison.Ordinal) ? rand_like(value) : randn_like(value) * 0.1);
        }

        network.eval();
        var images = randn(2, 3, 40, 56);
        var weights = network.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.to(float64));
        Golden.AssertClose(Features(weights, images.to(float64)).to(float32), network.forward(images), 1e-4, "features");
    }

    /// <summary>A block that begins by changing nothing hands its input on, but for the projection where shapes differ.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Blocks_begin_by_changing_nothing_where_asked_to(bool bottlenecks)
    {
        using var scope = NewDisposeScope();
        ResNetOptions options = new() { Blocks = [1, 3, 1, 1], Bottlenecks = bottlenecks, Width = 8, ZeroInitResidual = true };
        using ResNet network = new(options), alike = (ResNet)network.CreateAlike();
        var stage = network.named_children().Single(child => child.name == "layer2").module.children().Cast<nn.Module<Tensor, Tensor>>().ToArray();
        var maps = rand(2, bottlenecks ? 64 : 16, 6, 6);
        Assert.True(stage[1].forward(maps).equal(maps).all().item<bool>());
        Assert.True(alike.Options.ZeroInitResidual);

        using ResNet usual = new(options with { ZeroInitResidual = false });
        stage = [.. usual.named_children().Single(child => child.name == "layer2").module.children().Cast<nn.Module<Tensor, Tensor>>()];
        Assert.False(stage[1].forward(maps).equal(maps).all().item<bool>());
    }

    /// <summary>The network its tensors make, as torchvision's names say.</summary>
    private static Tensor Features(Dictionary<string, Tensor> weights, Tensor images)
    {
        bool photographs = weights["conv1.weight"].size(2) == 7;
        var x = Layer(images, "conv1", "bn1", photographs ? 2 : 1).clamp(min: 0);
        x = photographs ? nn.functional.max_pool2d(x, 3, stride: 2, padding: 1) : x;
        for (int stage = 1; stage <= 4; stage++)
        {
            for (int block = 0; weights.ContainsKey($"layer{stage}.{block}.conv1.weight"); block++)
            {
                string at = $"layer{stage}.{block}.";
                int last = weights.ContainsKey(at + "conv3.weight") ? 3 : 2, strided = last - 1;
                int stride = stage > 1 && block == 0 ? 2 : 1;
                var inner = x;
                for (int i = 1; i <= last; i++)
                {
                    inner = i > 1 ? inner.clamp(min: 0) : inner;
                    inner = Layer(inner, $"{at}conv{i}", $"{at}bn{i}", i == strided ? stride : 1);
                }

                var shortcut = weights.ContainsKey(at + "downsample.0.weight") ? Layer(x, at + "downsample.0", at + "downsample.1", stride) : x;
                x = (inner + shortcut).clamp(min: 0);
            }
        }

        return x.mean([2, 3]);

        Tensor Layer(Tensor maps, string convolution, string norm, int stride)
        {
            var kernel = weights[convolution + ".weight"];
            var y = nn.functional.conv2d(maps, kernel, strides: [stride, stride], padding: [kernel.size(2) / 2, kernel.size(3) / 2]);
            return (y - Channels("running_mean")) / (Channels("running_var") + 1e-5).sqrt() * Channels("weight") + Channels("bias");

            Tensor Channels(string name) => weights[$"{norm}.{name}"].view(1, -1, 1, 1);
        }
    }
}
