using DinoSharp.Checkpoints;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using DinoSharp.Tests;
using static TorchSharp.torch;

namespace DinoSharp.Models.Tests.Weights;

/// <summary>Backbones from files: the reference's (fixtures/vit), Hugging Face's (fixtures/hf) and torchvision's names.</summary>
public sealed class PretrainedTests : IDisposable
{
    private const int Heads = 3;

    private readonly TestFolder _folder = new();
    private readonly Golden _inputs = Golden.Read("vit/inputs.safetensors");
    private readonly Golden _outputs = Golden.Read("vit/outputs.safetensors");

    [Theory]
    [InlineData("vit/weights.pth", Heads)]
    [InlineData("vit/weights.safetensors", Heads)]
    [InlineData("vit/checkpoint.pth", Heads)] // the teacher, as nothing else is said
    [InlineData("hf/vit", null)] // its configuration says how many heads
    [InlineData("hf/vit/model.safetensors", null)]
    public void Every_layout_gives_the_references_features(string file, int? heads)
    {
        using var scope = NewDisposeScope();
        var (backbone, report) = Pretrained.Load(Golden.PathOf(file), heads: heads);
        Assert.True(report.Complete);
        Assert.Equal(42, report.Loaded.Count);
        Assert.False(backbone.training);
        foreach (string size in new[] { "square64", "wide48x80" })
        {
            Golden.AssertClose(_outputs[size + ".features"], backbone.forward(_inputs[size]), 5e-5, size);
        }
    }

    [Fact]
    public void The_student_is_another_network_and_is_loaded_by_its_key()
    {
        using var scope = NewDisposeScope();
        string path = Golden.PathOf("vit/checkpoint.pth");
        var student = Pretrained.Load(path, "student", Heads).Backbone;
        var saved = WeightsFile.Open(path, "student").Backbone;
        Assert.All(student.state_dict(), entry => Assert.Equal(saved[entry.Key].ToFloat32(), entry.Value.data<float>().ToArray()));
        float difference = (student.forward(_inputs["square64"]) - _outputs["square64.features"]).abs().max().item<float>();
        Assert.True(difference > 0.1, $"student and teacher differ by only {difference}");
    }

    [Fact]
    public void Heads_must_be_said_where_neither_file_nor_width_tells()
    {
        string path = Golden.PathOf("vit/weights.pth");
        Refuse("--num-heads", () => Pretrained.Load(path));
        Refuse("7 attention heads do not divide", () => Pretrained.Load(path, heads: 7));

        using var network = new VisionTransformer(new() { EmbedDim = 128, Depth = 1, Heads = 2, PatchSize = 8, ImageSize = 16 });
        string wide = Write("wide.pth", WeightLoading.Arrays(network));
        using var loaded = Assert.IsType<VisionTransformer>(Pretrained.Load(wide).Backbone);
        Assert.Equal(network.Options, loaded.Options);
    }

    [Fact]
    public void What_is_missing_left_over_or_of_another_shape_is_listed_and_partial_takes_the_rest()
    {
        using var scope = NewDisposeScope();
        var arrays = new NamedArrays();
        foreach (var (name, array) in WeightsFile.Open(Golden.PathOf("vit/weights.pth")).Backbone)
        {
            switch (name)
            {
                case "blocks.1.norm2.weight":
                    break;
                case "blocks.2.attn.proj.bias":
                    arrays.Add(name, ArrayData.FromFloat32(new float[49], 49));
                    break;
                default:
                    arrays.Add(name, array);
                    break;
            }
        }

        arrays.Add("blocks.0.ls1.gamma", ArrayData.FromFloat32(new float[48], 48));
        string path = Write("partial.pth", arrays);
        string message = Refuse(path, () => Pretrained.Load(path, heads: Heads));
        Assert.Contains("40 tensors loaded", message, StringComparison.Ordinal);
        Assert.Contains("1 missing (blocks.1.norm2.weight)", message, StringComparison.Ordinal);
        Assert.Contains("1 left over (blocks.0.ls1.gamma)", message, StringComparison.Ordinal);
        Assert.Contains("1 of another shape (blocks.2.attn.proj.bias [49] for [48])", message, StringComparison.Ordinal);
        Assert.Contains("--partial", message, StringComparison.Ordinal);

        var (backbone, report) = Pretrained.Load(path, heads: Heads, partial: true);
        Assert.False(report.Complete);
        var state = backbone.state_dict();
        Assert.All(report.Loaded, name => Assert.Equal(arrays[name].ToFloat32(), state[name].data<float>().ToArray()));
        Assert.All(state["blocks.1.norm2.weight"].data<float>(), v => Assert.Equal(1, v)); // as a new network starts

        using var other = new ResNet(new ResNetOptions { Blocks = [1, 1, 1, 1] });
        Refuse("nothing fits", () => WeightLoading.Load(other, arrays, path, partial: true));
    }

    [Fact]
    public void An_incomplete_file_leaves_the_network_untouched()
    {
        using var scope = NewDisposeScope();
        using var network = new VisionTransformer(new() { EmbedDim = 48, Depth = 4, Heads = Heads, PatchSize = 8, ImageSize = 64 });
        var before = WeightLoading.Arrays(network);
        Refuse("12 missing", () => WeightLoading.Load(network, WeightsFile.Open(Golden.PathOf("vit/weights.pth")).Backbone, "file"));
        Assert.All(WeightLoading.Arrays(network), a => Assert.True(before[a.Key].Bytes.Span.SequenceEqual(a.Value.Bytes.Span), a.Key));
    }

    [Theory]
    [InlineData(true, 64, false)]
    [InlineData(false, 64, false)]
    [InlineData(false, 16, true)]
    public void A_ResNet_of_torchvision_is_loaded_without_its_classifier_and_without_counts_of_old_files(
        bool bottlenecks, int width, bool smallStem)
    {
        using var scope = NewDisposeScope();
        using var network = new ResNet(new ResNetOptions { Blocks = [1, 2, 1, 1], Bottlenecks = bottlenecks, Width = width, SmallStem = smallStem });
        network.eval();
        var arrays = new NamedArrays();
        var known = WeightLoading.Arrays(network).Where(a => !a.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal));
        foreach (var (name, array) in known)
        {
            arrays.Add(name, array);
        }

        arrays.Add("fc.weight", ArrayData.FromFloat32(new float[network.FeatureDim], 1, network.FeatureDim));
        arrays.Add("fc.bias", ArrayData.FromFloat32([0], 1));
        var (backbone, report) = Pretrained.Load(Write("resnet.pth", arrays));
        Assert.True(report.Complete);
        Assert.Equal(["fc.weight", "fc.bias"], report.Ignored);
        Golden.AssertClose(network.forward(_inputs["square64"]), backbone.forward(_inputs["square64"]), 0, "features");
        Assert.Equal(BackboneShape.Infer(arrays, null, "file").ParameterCount, backbone.parameters().Sum(p => p.numel()));
    }

    [Fact]
    public void Half_precision_and_double_files_are_converted()
    {
        using var scope = NewDisposeScope();
        var weights = WeightsFile.Open(Golden.PathOf("vit/weights.pth")).Backbone;
        foreach (var (type, tolerance) in new[] { (ScalarType.Float64, 0), (ScalarType.Float16, 0.05), (ScalarType.BFloat16, 0.5) })
        {
            var converted = new NamedArrays();
            foreach (var (name, array) in weights)
            {
                converted.Add(name, TensorArrays.ToArray(tensor(array.ToFloat32(), [.. array.Shape]).to_type(type)));
            }

            var backbone = Pretrained.Load(Write("typed.pth", converted), heads: Heads).Backbone;
            float difference = (backbone.forward(_inputs["square64"]) - _outputs["square64.features"]).abs().max().item<float>();
            Assert.True(difference <= tolerance + 5e-5, $"{type}: {difference}");
        }
    }

    public void Dispose()
    {
        _inputs.Dispose();
        _outputs.Dispose();
        _folder.Dispose();
    }

    private string Write(string name, NamedArrays arrays)
    {
        string path = Path.Combine(_folder.Path, name);
        var state = arrays.Select(a => KeyValuePair.Create<object, object?>(a.Key, a.Value));
        TorchFile.Write(path, new OrderedDictionary<object, object?>(state));
        return path;
    }

    private static string Refuse(string words, Action load)
    {
        string message = Assert.Throws<CheckpointException>(load).Message;
        Assert.Contains(words, message, StringComparison.Ordinal);
        return message;
    }
}
