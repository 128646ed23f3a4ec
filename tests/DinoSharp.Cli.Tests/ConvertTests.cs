using System.Globalization;
using DinoSharp.Checkpoints;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

public sealed class ConvertTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Theory]
    [InlineData("teacher")]
    [InlineData("student")]
    public void A_backbone_goes_through_every_layout_and_comes_back_bit_for_bit(string key)
    {
        string checkpoint = TestFolder.Fixture("vit/checkpoint.pth");
        string[] stations = [At("folder"), At("weights.safetensors"), At("weights.pth"), At("again")];
        string from = checkpoint;
        foreach (string to in stations)
        {
            string[] named =
                from == checkpoint ? ["--checkpoint-key", key, "--num-heads", "3"] :
                from.EndsWith(".pth", StringComparison.Ordinal) ? ["--num-heads", "3"] : [];
            string output = Dino.Run(["convert", from, to, .. named]).Succeeded().Output;
            Assert.Contains("42 written", output, StringComparison.Ordinal);
            Assert.Equal(to.EndsWith(".pth", StringComparison.Ordinal),
                output.Contains("read it with --num-heads 3", StringComparison.Ordinal));
            from = to;
        }

        var expected = WeightsFile.Open(checkpoint, key).Backbone;
        Assert.All(stations, station => AssertSame(expected, WeightsFile.Open(station).Backbone));
        Assert.Equal(File.ReadAllBytes(At("folder/model.safetensors")), File.ReadAllBytes(At("again/model.safetensors")));
        if (key == "teacher")
        {
            AssertSame(SafetensorsFile.Read(TestFolder.Fixture("hf/vit/model.safetensors")),
                SafetensorsFile.Read(At("again/model.safetensors")));
        }
    }

    [Fact]
    public void Every_tensor_is_accounted_for()
    {
        string checkpoint = TestFolder.Fixture("vit/checkpoint.pth");
        var json = Dino.Run("convert", checkpoint, At("a.pth"), "--num-heads", "3", "--json").Succeeded().Json;
        Assert.Equal((42, 8), ((int)json["written"]!, (int)json["head"]!));
        Assert.All(new[] { "ignored", "missing", "left_over", "mismatched" }, name => Assert.Empty(json[name]!.AsArray()));
        Assert.Contains("54 tensors", Dino.Run("convert", TestFolder.Fixture("hf/vit"), At("b.pth")).Succeeded().Output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_incomplete_file_is_refused_and_partial_writes_what_fits()
    {
        var arrays = new NamedArrays();
        foreach (var (name, array) in WeightsFile.Open(TestFolder.Fixture("vit/weights.pth")).Backbone.Where(a => a.Key != "norm.bias"))
        {
            arrays.Add(name, array);
        }

        arrays.Add("mask_token", ArrayData.FromFloat32(new float[48], 1, 48));
        string path = At("incomplete.safetensors"), written = At("written.safetensors"), folder = At("folder");
        SafetensorsFile.Write(path, arrays);
        Dino.Run("convert", path, written, "--num-heads", "3").Failed(1, path, "1 missing (norm.bias)", "1 left over (mask_token)",
            "--partial");
        Assert.False(File.Exists(written));
        Assert.Contains("41 written, 1 without a place left out, 1 missing",
            Dino.Run("convert", "--partial", path, written, "--num-heads", "3").Succeeded().Output, StringComparison.Ordinal);
        Assert.Equal(arrays.Names.Except(["mask_token"]), SafetensorsFile.Read(written).Names);
        Dino.Run("convert", "--partial", path, folder, "--num-heads", "3").Succeeded();
        Assert.DoesNotContain("layernorm.bias", SafetensorsFile.Read(Path.Combine(folder, "model.safetensors")).Names);
    }

    [Fact]
    public void A_ResNet_goes_to_files_and_not_to_Hugging_Face()
    {
        string torchvision = At("resnet.pth"), written = At("resnet.safetensors");
        using var network = new ResNet(new ResNetOptions { Blocks = [1, 1, 1, 1] });
        var weights = WeightLoading.Arrays(network);
        var state = new OrderedDictionary<object, object?>(weights.Select(w => KeyValuePair.Create<object, object?>(w.Key, w.Value)))
        {
            ["fc.weight"] = ArrayData.FromFloat32(new float[2048], 1, 2048),
        };
        TorchFile.Write(torchvision, state);
        Assert.Contains("1 of another network left out", Dino.Run("convert", torchvision, written).Succeeded().Output,
            StringComparison.Ordinal);
        AssertSame(weights, SafetensorsFile.Read(written));
        Dino.Run("convert", torchvision, At("folder")).Failed(2, torchvision, "ResNet", "Hugging Face");
        Assert.False(Directory.Exists(At("folder")));
    }

    [Fact]
    public void Wrong_requests_say_what_to_do()
    {
        string weights = TestFolder.Fixture("vit/weights.pth"), checkpoint = TestFolder.Fixture("vit/checkpoint.pth");
        Dino.Run("convert", weights, At("a.onnx"), "--num-heads", "3").Failed(2, "a.onnx", ".safetensors");
        Dino.Run("convert", weights).Failed(2, "convert --help");
        Dino.Run("convert", weights, At("a.pth")).Failed(1, weights, "--num-heads");
        Dino.Run("convert", weights, At("a.pth"), "--num-heads", "5").Failed(1, weights, "5 attention heads do not divide");
        Dino.Run("convert", checkpoint, At("a.pth"), "--checkpoint-key", "ema").Failed(1, checkpoint, "student, teacher");
        Dino.Run("convert", At("none.pth"), At("a.pth")).Failed(1, At("none.pth"), "no such file");
        Dino.Run("convert", weights, At("no/such/a.pth"), "--num-heads", "3").Failed(1, At("no/such/a.pth"), "cannot be written");
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Hostile_and_damaged_files_are_refused_in_one_line_and_nothing_is_executed_or_written()
    {
        string trace = At("executed");
        byte[] system = Forged.Pickle("cposix\nsystem\n", Forged.Text($"touch {trace}"), "\x85R");
        byte[] whole = File.ReadAllBytes(TestFolder.Fixture("vit/weights.pth"));
        byte[] safetensors = File.ReadAllBytes(TestFolder.Fixture("vit/weights.safetensors"));
        byte[] flipped = [.. whole];
        flipped[whole.Length / 2] ^= 1;
        string[] hostile =
        [
            _folder.Write("system.pth", Forged.Zip(system)),
            _folder.Write("system-legacy.pth", Forged.Legacy(system, [])),
            _folder.Write("renamed/checkpoints/latest.pth", system),
            _folder.Write("cut.pth", whole[..(whole.Length / 2)]),
            _folder.Write("flipped.pth", flipped),
            _folder.Write("cut.safetensors", safetensors[..^1]),
            _folder.Write("text.safetensors", "version https://git-lfs.github.com/spec/v1\n"u8.ToArray()),
            _folder.Write("empty.pth", []),
        ];
        foreach (string path in hostile)
        {
            Dino.Run("convert", path, At("out.pth"), "--num-heads", "3").Failed(1, path);
            Dino.Run("inspect", path).Failed(1, path);
        }

        Assert.False(File.Exists(trace));
        Assert.False(File.Exists(At("out.pth")));
    }

    public void Dispose() => _folder.Dispose();

    private string At(string name) => Path.Combine(_folder.Path, name);

    private static void AssertSame(NamedArrays expected, NamedArrays actual)
    {
        Assert.Equal(expected.Names.Order(), actual.Names.Order());
        Assert.All(expected, e => Assert.True(
            e.Value.Type == actual[e.Key].Type && e.Value.Shape.SequenceEqual(actual[e.Key].Shape) &&
                e.Value.Bytes.Span.SequenceEqual(actual[e.Key].Bytes.Span), e.Key));
    }
}
