using DinoSharp.Checkpoints;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Models.Weights;
using DinoSharp.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests;

/// <summary>Cross-covariance image transformers: their values against <see cref="PlainXcit"/>, their names and sizes against the published ones.</summary>
public sealed class XcitTests
{
    private static readonly XcitOptions Small = new() { PatchSize = 4, EmbedDim = 12, Depth = 2, Heads = 3 };

    [Theory]
    [InlineData(4, 12, 16, false)]
    [InlineData(4, 14, 9, false)] // no whole number of patches: rounded up
    [InlineData(8, 16, 24, false)]
    [InlineData(16, 16, 32, false)]
    [InlineData(4, 12, 16, true)]
    [InlineData(8, 24, 16, true)]
    public void Features_are_those_of_the_architecture_written_down_in_loops(int patch, int height, int width, bool training)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var shape = Small with { PatchSize = patch, EmbedDim = 24 };
        using var network = Scrambled(shape);
        var weights = network.state_dict().Where(e => e.Value.is_floating_point())
            .ToDictionary(e => e.Key, e => e.Value.to(float64).data<double>().ToArray());
        network.train(training);
        var images = randn(3, 3, height, width);

        double[][] expected = new PlainXcit(weights, shape, training).Features([.. Enumerable.Range(0, 3).Select(b =>
            Enumerable.Range(0, 3).Select(c => Map(images[b, c])).ToArray())]);

        var features = network.forward(images);
        Golden.AssertClose(tensor([.. expected.SelectMany(f => f)], [3, 24]).to(float32), features, 2e-5, "features");
        Assert.True(features.std([0]).mean().item<float>() > 0.05, "features do not depend on the image");
    }

    [Theory]
    [InlineData("xcit_small_12_p16", "XCiT-S12/16", 25_868_304, 384)]
    [InlineData("xcit_small_12_p8", "XCiT-S12/8", 25_828_032, 384)]
    [InlineData("xcit_medium_24_p16", "XCiT-M24/16", 83_882_752, 512)]
    [InlineData("xcit_medium_24_p8", "XCiT-M24/8", 83_810_624, 512)]
    public void Named_networks_have_their_published_size_and_come_back_from_a_file(string name, string label, long parameters, int dim)
    {
        using var folder = new TestFolder();
        using var scope = NewDisposeScope();
        using var network = Assert.IsType<Xcit>(BackboneCatalogue.Create(name));
        Assert.Equal((parameters, dim, label), (network.parameters().Sum(p => p.numel()), network.FeatureDim, BackboneCatalogue.Label(network)));
        Assert.True(BackboneCatalogue.IsNamed(network, name));
        Assert.False(BackboneCatalogue.IsNamed(network, "vit_small"));

        var arrays = WeightLoading.Arrays(network);
        arrays.Add("head.weight", ArrayData.FromFloat32(new float[dim], 1, dim)); // a classifier, as supervised ones have
        string path = Path.Combine(folder.Path, "weights.safetensors");
        WeightsWriter.Write(path, arrays, BackboneShape.Infer(WeightsFileOf(arrays), null, "file"));
        var (loaded, report) = Pretrained.Load(path);
        Assert.Equal(network.Options, Assert.IsType<Xcit>(loaded).Options);
        Assert.Equal(["head.weight"], report.Ignored);
        Assert.All(WeightLoading.Arrays(loaded), a => Assert.True(arrays[a.Key].Bytes.Span.SequenceEqual(a.Value.Bytes.Span), a.Key));
        Assert.Equal(parameters, BackboneShape.Infer(WeightsFileOf(arrays), null, "file").ParameterCount);
        loaded.Dispose();
    }

    /// <summary>In the order in which the published code numbers them, which an optimizer's state in a checkpoint goes by.</summary>
    [Fact]
    public void Tensors_have_the_published_names_in_their_order()
    {
        string[] norm = ["weight", "bias"], batch = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
        string[] block =
        [
            "gamma1", "gamma2", "gamma3", .. Of("norm1", norm), "attn.temperature", .. Of("attn.qkv", norm), .. Of("attn.proj", norm),
            .. Of("norm2", norm), .. Of("mlp.fc1", norm), .. Of("mlp.fc2", norm), .. Of("norm3", norm),
            .. Of("local_mp.conv1", norm), .. Of("local_mp.bn", batch), .. Of("local_mp.conv2", norm),
        ];
        string[] classBlock =
        [
            "gamma1", "gamma2", .. Of("norm1", norm), .. Of("attn.qkv", norm), .. Of("attn.proj", norm),
            .. Of("norm2", norm), .. Of("mlp.fc1", norm), .. Of("mlp.fc2", norm),
        ];
        string[] expected =
        [
            "cls_token",
            "patch_embed.proj.0.0.weight", .. Of("patch_embed.proj.0.1", batch),
            "patch_embed.proj.2.0.weight", .. Of("patch_embed.proj.2.1", batch),
            .. Of("blocks.0", block), .. Of("blocks.1", block),
            .. Of("cls_attn_blocks.0", classBlock), .. Of("cls_attn_blocks.1", classBlock),
            .. Of("norm", norm), .. Of("pos_embeder.token_projection", norm),
        ];
        using var network = new Xcit(Small);
        Assert.Equal(expected.Order(), network.state_dict().Keys.Order());
        Assert.Equal(
            expected.Where(n => !batch.Skip(2).Contains(n.Split('.')[^1])), network.named_parameters().Select(p => p.name));

        static IEnumerable<string> Of(string prefix, string[] names) => names.Select(name => $"{prefix}.{name}");
    }

    [Fact]
    public void Gradients_reach_every_parameter_through_crops_of_several_sizes()
    {
        using var scope = NewDisposeScope();
        using var network = Scrambled(Small);
        network.train();
        using MultiCropEncoder encoder = new(
            network, new DinoHead(12, new() { OutputDim = 10, HiddenDim = 8, BottleneckDim = 6, FreezeMagnitude = false }));
        var output = encoder.Forward([randn(4, 3, 16, 16), randn(6, 3, 8, 12)]);
        Assert.Equal([10L, 10L], output.shape);
        (output * randn_like(output)).sum().backward();
        Assert.All(
            network.named_parameters(), p => Assert.True(p.parameter.grad?.abs().sum().item<float>() > 1e-7, $"no gradient of {p.name}"));
    }

    [Fact]
    public void Crops_of_several_sizes_are_as_each_alone_and_keep_their_order()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = Scrambled(Small);
        network.eval();
        Tensor[] crops = [randn(2, 3, 16, 16), randn(3, 3, 8, 20), randn(1, 3, 4, 4)];
        var together = network.ForwardCrops(crops);
        Golden.AssertClose(cat([.. crops.Select(network.forward)]), together, 0, "features");
        Assert.Equal(4, network.MinimumImageSide);
    }

    [Fact]
    public void Stochastic_depth_drops_whole_branches_of_an_image_while_training_only()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var plain = Scrambled(Small with { Depth = 1 });
        using var dropping = (Xcit)plain.CreateAlike(dropPathRate: 0.5);
        dropping.CopyFrom(plain);
        Assert.Equal((0.5, 0.0), (dropping.Options.DropPathRate, ((Xcit)dropping.CreateAlike()).Options.DropPathRate));
        var image = randn(1, 3, 8, 8).expand(64, -1, -1, -1);
        plain.eval();
        dropping.eval();
        Golden.AssertClose(plain.forward(image), dropping.forward(image), 0, "evaluation");

        // Sixty-four times one image: each of three branches is there, twice as strong, or not, which makes eight features. Batch norms take
        // statistics of the batch, so that only the one behind the first branch, whose inputs are of two kinds, tells more than eight apart.
        dropping.train();
        var features = dropping.forward(image);
        int kinds = features.data<float>().ToArray().Chunk(12).Select(f => string.Join(' ', f.Select(v => Math.Round(v, 3)))).Distinct().Count();
        Assert.Equal(8, kinds);
    }

    [Fact]
    public void Deep_networks_start_near_the_identity_and_shallow_ones_do_not()
    {
        using var scope = NewDisposeScope();
        using var shallow = new Xcit(Small);
        using var deep = new Xcit(Small with { Depth = 24 });
        Assert.All(Scales(shallow), scale => Assert.All(scale, value => Assert.Equal(1f, value)));
        Assert.All(Scales(deep), scale => Assert.All(scale, value => Assert.Equal(1e-5f, value)));
        Assert.Equal(24 * 3 + 2 * 2, Scales(deep).Count());

        static IEnumerable<float[]> Scales(Xcit network) => network.named_parameters()
            .Where(p => p.name.Contains("gamma", StringComparison.Ordinal)).Select(p => p.parameter.data<float>().ToArray());
    }

    [Fact]
    public void A_classifier_is_given_the_class_token()
    {
        using var scope = NewDisposeScope();
        using var network = Scrambled(Small);
        network.eval();
        var features = ProbeFeatures.Published(network);
        Assert.Equal(new ProbeFeatures(1, false), features.Validated(network));
        Assert.Equal(12, features.DimOf(network));
        var images = randn(2, 3, 8, 8);
        Golden.AssertClose(network.forward(images), features.Of(network, images), 0, "features");
        Assert.Throws<ArgumentException>(() => new ProbeFeatures(1, true).Validated(network));
        Assert.Throws<ArgumentException>(() => new ProbeFeatures(4, false).Validated(network));
    }

    [Fact]
    public void Shapes_that_make_no_network_are_refused_in_a_line()
    {
        Refuse("power of two", Small with { PatchSize = 12 });
        Refuse("power of two", Small with { PatchSize = 1 });
        Refuse("5 heads do not divide", Small with { Heads = 5 });
        Refuse("no multiple of 8", Small with { PatchSize = 16, EmbedDim = 12 });
        Refuse("drop path", Small with { DropPathRate = 1 });
        Refuse("channel", Small with { InputChannels = 0 });
        Refuse("at least 1", Small with { Depth = 0 });

        static void Refuse(string words, XcitOptions options)
        {
            string message = Assert.Throws<ArgumentException>(() => new Xcit(options)).Message;
            Assert.Contains(words, message, StringComparison.Ordinal);
            Assert.DoesNotContain("\n", message, StringComparison.Ordinal);
        }
    }

    /// <summary>A network no value of which is that of a new one, with branches and attention strong enough to tell.</summary>
    private static Xcit Scrambled(XcitOptions shape)
    {
        manual_seed(5);
        var network = new Xcit(shape);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, value) in network.state_dict().Where(e => e.Value.is_floating_point()))
        {
            value.add_(name.EndsWith("running_var", StringComparison.Ordinal) ? rand_like(value) : randn_like(value) * 0.3);
        }

        return network;
    }

    private static NamedArrays WeightsFileOf(NamedArrays arrays)
    {
        var backbone = new NamedArrays();
        foreach (var (name, array) in arrays.Where(a => !a.Key.StartsWith("head.", StringComparison.Ordinal)))
        {
            backbone.Add(name, array);
        }

        return backbone;
    }

    private static double[,] Map(Tensor map)
    {
        var values = new double[map.size(0), map.size(1)];
        for (int y = 0; y < values.GetLength(0); y++)
        {
            for (int x = 0; x < values.GetLength(1); x++)
            {
                values[y, x] = map[y, x].item<float>();
            }
        }

        return values;
    }
}
