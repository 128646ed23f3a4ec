using System.Text.Json.Nodes;
using DinoSharp.Checkpoints;
using DinoSharp.Tests;

namespace DinoSharp.Cli.Tests;

public sealed class InspectTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public void A_trainings_checkpoint_is_told_to_people_to_the_last_tensor()
    {
        string path = TestFolder.Fixture("vit/checkpoint.pth");
        string[] lines = Dino.Run("inspect", path, "--checkpoint_key", "student", "--num-heads", "3").Succeeded().Output.Split('\n');
        Assert.Contains(lines, l => l.EndsWith("with student and teacher; this is the student", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("backbone", StringComparison.Ordinal) &&
            l.Contains("patch 8, 48 dimensions, 3 blocks, 3 heads", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("head", StringComparison.Ordinal) && l.EndsWith("96 outputs", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["epoch", "3"]);
        Assert.Contains(lines, l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["global_crops_scale", "[0.4,1]"]);
        foreach (var (name, array) in WeightsFile.Open(path, "student").Tensors)
        {
            Assert.Single(lines, l => l.StartsWith($"  {name} ", StringComparison.Ordinal) &&
                l.EndsWith($" float32  [{string.Join(", ", array.Shape)}]", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Json_says_the_same_and_what_is_not_known_is_null()
    {
        var json = Dino.Run("inspect", TestFolder.Fixture("vit/checkpoint.pth"), "--json").Succeeded().Json;
        Assert.Equal("training", (string?)json["layout"]);
        Assert.Equal("teacher", (string?)json["network"]);
        var backbone = json["backbone"]!.AsObject();
        Assert.Equal((8, 48, 3, 64, 97_344),
            ((int)backbone["patch_size"]!, (int)backbone["embed_dim"]!, (int)backbone["depth"]!, (int)backbone["image_size"]!,
                (int)backbone["parameters"]!));
        Assert.Null(backbone["num_heads"]);
        var expected = JsonNode.Parse(File.ReadAllText(TestFolder.Fixture("vit/checkpoint.json")))!;
        Assert.True(JsonNode.DeepEquals(expected["args"], json["args"]), json["args"]!.ToJsonString());
        Assert.Equal(expected["teacher-keys"]!.AsArray().Select(k => (string?)k),
            json["tensors"]!.AsArray().Select(t => (string?)t!["name"]));

        var theirs = Dino.Run("inspect", TestFolder.Fixture("hf/vit"), "--json").Succeeded().Json;
        Assert.Equal(("huggingface", 3), ((string?)theirs["layout"], (int)theirs["backbone"]!["num_heads"]!));
    }

    [Fact]
    public void A_file_of_other_tensors_is_shown_without_a_network_and_nothing_in_it_steers_the_terminal()
    {
        var arrays = new NamedArrays();
        arrays.Add("features\u001b[2J", new ArrayData(ElementType.BFloat16, [2, 5], new byte[20]));
        string path = Path.Combine(_folder.Path, "features.safetensors");
        SafetensorsFile.Write(path, arrays);
        string output = Dino.Run("inspect", path).Succeeded().Output;
        Assert.Contains("none known", output, StringComparison.Ordinal);
        Assert.Contains("bfloat16  [2, 5]", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output);
        Assert.Null(Dino.Run("inspect", path, "--json").Succeeded().Json["backbone"]);
    }

    [Fact]
    public void Arguments_that_hold_themselves_or_are_endless_are_shown_in_one_line_each()
    {
        // args = Namespace(loop=[loop], big=2**100000, text="aaa...", nan=nan)
        byte[] pickle = Forged.Pickle(
            "}(", Forged.Text("teacher"), "}", Forged.Text("cls_token"), Forged.Tensor(0, [4], [1]), "s", Forged.Text("args"),
                "cargparse\nNamespace\n)\x81}(",
            Forged.Text("loop"), "]q\0h\0a", Forged.Text("big"), new byte[] { 0x8b, 0xd4, 0x30, 0, 0 }, new string('\x1', 12500),
            Forged.Text("text"), Forged.Text(new string('a', 5000)), Forged.Text("nan"), "G\x7f\xf8\0\0\0\0\0\0", "ubu");
        string path = _folder.Write("odd.pth", Forged.Zip(pickle, entries: ("data/0", new byte[16])));
        var args = Dino.Run("inspect", path, "--json").Succeeded().Json["args"]!;
        Assert.Equal("""["(...)"]""", args["loop"]!.ToJsonString());
        Assert.Equal("(an integer of 99993 bits)", (string?)args["big"]);
        Assert.Equal(203, ((string?)args["text"])!.Length);
        Assert.Equal("NaN", (string?)args["nan"]);
    }

    [Fact]
    public void A_missing_file_argument_is_a_wrong_request() => Dino.Run("inspect").Failed(2, "inspect --help");

    public void Dispose() => _folder.Dispose();
}
