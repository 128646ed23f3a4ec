using System.Text.Json.Nodes;
using DinoSharp.Tests;

namespace DinoSharp.Checkpoints.Tests;

/// <summary>Layouts: what is recognised, under which names it comes, and what is refused.</summary>
public sealed class WeightsFileTests : IDisposable
{
    private static readonly NamedArrays Weights = SafetensorsFile.Read(TestFolder.Fixture("vit/weights.safetensors"));
    private readonly TestFolder _folder = new();

    [Fact]
    public void Hugging_Faces_layout_is_the_references_weights_under_other_names()
    {
        var file = WeightsFile.Open(TestFolder.Fixture("hf/vit"));
        Assert.Equal((WeightsLayout.HuggingFace, 3, 0), (file.Layout, file.HeadCount, file.Ignored.Count));
        Expected.AssertSame(Weights, file.Backbone);
        Expected.AssertSame(SafetensorsFile.Read(TestFolder.Fixture("hf/vit/model.safetensors")), HuggingFaceLayout.FromReference(Weights));
    }

    [Fact]
    public void A_folder_for_Hugging_Face_holds_its_weights_and_its_configuration_and_is_read_back()
    {
        string folder = Path.Combine(_folder.Path, "vit-v1.0") + "/";
        WeightsWriter.Write(folder, Weights, BackboneShape.Infer(Weights, 3, "x"));
        Expected.AssertSame(SafetensorsFile.Read(TestFolder.Fixture("hf/vit/model.safetensors")),
            SafetensorsFile.Read(folder + "model.safetensors"));
        var golden = JsonNode.Parse(File.ReadAllText(TestFolder.Fixture("hf/vit/config.json")))!.AsObject();
        var written = JsonNode.Parse(File.ReadAllText(folder + "config.json"))!.AsObject();
        Assert.All(written, entry =>
            Assert.True(JsonNode.DeepEquals(golden[entry.Key], entry.Value), $"{entry.Key}: {entry.Value?.ToJsonString()}"));
        Assert.Superset(new HashSet<string> { "hidden_size", "num_attention_heads", "patch_size", "image_size", "layer_norm_eps" },
            written.Select(e => e.Key).ToHashSet());
        Expected.AssertSame(Weights, WeightsFile.Open(folder).Backbone);
    }

    [Fact]
    public void A_classifiers_own_tensors_are_set_aside_and_unknown_ones_of_the_backbone_are_not()
    {
        var theirs = new NamedArrays();
        foreach (var (name, array) in HuggingFaceLayout.FromReference(Weights))
        {
            theirs.Add("vit." + name, array);
        }

        theirs.Add("classifier.weight", ArrayData.FromFloat32([1], 1));
        theirs.Add("vit.pooler.dense.bias", ArrayData.FromFloat32([1], 1));
        theirs.Add("vit.encoder.layer.0.layer_scale1.lambda1", ArrayData.FromFloat32([1], 1));
        SafetensorsFile.Write(Path.Combine(_folder.Path, "model.safetensors"), theirs);
        var file = WeightsFile.Open(_folder.Path);
        Assert.Equal(["classifier.weight", "vit.pooler.dense.bias"], file.Ignored);
        Assert.Equal(["vit.encoder.layer.0.layer_scale1.lambda1"], file.Backbone.Names.Except(Weights.Names));
    }

    [Fact]
    public void Other_networks_of_Hugging_Face_and_torn_attention_are_refused()
    {
        _folder.Write("model.safetensors", File.ReadAllBytes(TestFolder.Fixture("hf/vit/model.safetensors")));
        _folder.WriteText("config.json", """{"model_type":"dinov2","num_attention_heads":3}""");
        Refuse(_folder.Path, "type 'dinov2'");
        _folder.WriteText("config.json", "{");
        Refuse(_folder.Path, "config.json: not a readable configuration");
        _folder.WriteText("config.json", """{"num_attention_heads":3,"num_attention_heads":3}""");
        Refuse(_folder.Path, "config.json: not a readable configuration");

        foreach (string missing in new[] { "query", "key", "value" })
        {
            string path = Path.Combine(_folder.Path, "torn", "model.safetensors");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            string name = $"encoder.layer.1.attention.attention.{missing}.bias";
            SafetensorsFile.Write(path, Without(HuggingFaceLayout.FromReference(Weights), name));
            Refuse(path, $"{name} is missing beside");
        }
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("module.", null)]
    [InlineData("backbone.", null)]
    [InlineData("module.backbone.", null)]
    [InlineData("module.backbone.", "state_dict")]
    [InlineData("", "model")]
    [InlineData("backbone.", "teacher")]
    public void Wrapped_names_and_containers_are_unwrapped(string prefix, string? container)
    {
        var state = new OrderedDictionary<object, object?>();
        foreach (var (name, array) in Weights)
        {
            state.Add(prefix + name, array);
        }

        state.Add(prefix.Replace("backbone.", "", StringComparison.Ordinal) + "head.mlp.0.bias", ArrayData.FromFloat32([1], 1));
        state.Add("head.weight", ArrayData.FromFloat32([1], 1));
        string path = Path.Combine(_folder.Path, "wrapped.pth");
        TorchFile.Write(path, container is null ? state : new OrderedDictionary<object, object?> { [container] = state, ["epoch"] = 7L });
        var file = WeightsFile.Open(path);
        Expected.AssertSame(Weights, file.Backbone);
        Assert.Equal(["mlp.0.bias"], file.Head.Names);
        Assert.Equal(["head.weight"], file.Ignored);
        Assert.Equal(container, file.Network);
    }

    [Fact]
    public void A_trainings_checkpoint_gives_the_teacher_unless_told_and_says_what_else_it_holds()
    {
        string path = TestFolder.Fixture("vit/checkpoint.pth");
        var (teacher, student) = (WeightsFile.Open(path), WeightsFile.Open(path, "student"));
        Assert.Equal((WeightsLayout.Training, "teacher", 3L, 8), (teacher.Layout, teacher.Network, teacher.Epoch, teacher.Head.Count));
        Assert.Equal(["student", "teacher"], teacher.Networks);
        Assert.Equal("vit_small", teacher.Arguments["arch"]);
        Expected.AssertSame(Weights, teacher.Backbone);
        Assert.Equal(teacher.Backbone.Names, student.Backbone.Names);
        Assert.Equal(teacher.Head.Names, student.Head.Names);
        Assert.NotEqual(teacher.Backbone["cls_token"].ToFloat32(), student.Backbone["cls_token"].ToFloat32());
        Assert.Equal("module.backbone.cls_token", student.Tensors.Names.First());

        Refuse(path, "no network 'ema' inside; there are student, teacher", "ema");
        Refuse(path, "no network 'epoch' inside", "epoch");
        Refuse(TestFolder.Fixture("vit/weights.pth"), "leave out the checkpoint key", "student");
        Refuse(TestFolder.Fixture("vit/weights.safetensors"), "leave out the checkpoint key", "teacher");
    }

    [Fact]
    public void A_run_folder_gives_its_best_checkpoint_or_else_the_latest()
    {
        Refuse(_folder.Path, "no weights in this folder");
        Refuse(Path.Combine(_folder.Path, "none.pth"), "no such file");
        string latest = _folder.Write("checkpoints/latest.pth", File.ReadAllBytes(TestFolder.Fixture("vit/checkpoint.pth")));
        Assert.Equal(latest, WeightsFile.Open(_folder.Path).Path);
        string best = _folder.Write("checkpoints/best.pth", File.ReadAllBytes(TestFolder.Fixture("vit/weights.pth")));
        Assert.Equal(best, WeightsFile.Open(_folder.Path).Path);
    }

    [Fact]
    public void Heads_are_kept_by_every_layout_that_can()
    {
        var shape = BackboneShape.Infer(Weights, 6, "x");
        foreach (var (name, heads) in new (string, int?)[] { ("a.safetensors", 6), ("folder", 6), ("a.pth", null) })
        {
            string path = Path.Combine(_folder.Path, name);
            WeightsWriter.Write(path, Weights, shape);
            Assert.Equal(heads, WeightsFile.Open(path).HeadCount);
            Expected.AssertSame(Weights, WeightsFile.Open(path).Backbone);
        }
    }

    private static void Refuse(string path, string words, string? key = null) =>
        Assert.Contains(words, Assert.Throws<CheckpointException>(() => WeightsFile.Open(path, key)).Message, StringComparison.Ordinal);

    private static NamedArrays Without(NamedArrays arrays, string left)
    {
        var rest = new NamedArrays();
        foreach (var (name, array) in arrays.Where(a => a.Key != left))
        {
            rest.Add(name, array);
        }

        return rest;
    }

    public void Dispose() => _folder.Dispose();
}
