using System.Text;
using DinoSharp.Tests;

namespace DinoSharp.Checkpoints.Tests;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public void The_references_weights_are_read_as_they_are_and_equal_those_of_its_pth()
    {
        var arrays = SafetensorsFile.Read(TestFolder.Fixture("vit/weights.safetensors"));
        var golden = Expected.Arrays("vit/weights.safetensors");
        Assert.Equal(golden.Keys, arrays.Names);
        Assert.All(arrays, a => Assert.Equal(golden[a.Key].Values, a.Value.ToFloat32()));
        Expected.AssertSame(arrays, WeightsFile.Open(TestFolder.Fixture("vit/weights.pth")).Backbone);
    }

    [Fact]
    public void All_types_and_shapes_come_back_with_their_order_and_texts()
    {
        var arrays = new NamedArrays();
        foreach (var type in Enum.GetValues<ElementType>())
        {
            arrays.Add($"{type} \"ü\"",
                new ArrayData(type, [3, 1], Enumerable.Range(0, 3 * type.Size()).Select(i => (byte)(i & 1)).ToArray()));
            arrays.Add($"{type}.scalar", new ArrayData(type, [], new byte[type.Size()]));
            arrays.Add($"{type}.empty", new ArrayData(type, [0, 7], ReadOnlyMemory<byte>.Empty));
        }

        string path = Path.Combine(_folder.Path, "all.safetensors");
        SafetensorsFile.Write(path, arrays, new Dictionary<string, string> { ["format"] = "pt", ["note"] = "a\nb" });
        var read = SafetensorsFile.Read(path, out var texts);
        Assert.Equal(arrays.Names, read.Names);
        Expected.AssertSame(arrays, read);
        Assert.Equal([("format", "pt"), ("note", "a\nb")], texts.Select(t => (t.Key, t.Value)));
        Assert.Equal(0, BitConverter.ToInt64(File.ReadAllBytes(path)) % 8);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12,
        "b does not lie")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4,
        "does not lie")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "a does not lie")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8, "left over")]
    [InlineData("""{"a":{"dtype":"F32","shape":[500000000],"data_offsets":[0,2000000000]}}""", 8, "a does not lie")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,-4]}}""", 0, "a does not lie")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 0, "a does not lie")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "another size")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "another size")]
    [InlineData("""{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}""", 0, "more elements than any memory")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "more elements than any memory")]
    [InlineData("""{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}""", 4, "type F8_E4M3, which is not supported")]
    [InlineData("""{"a":{"dtype":null,"shape":[4],"data_offsets":[0,4]}}""", 4, "type null")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4.5],"data_offsets":[0,4]}}""", 4, "not described")]
    [InlineData("""{"a":{"dtype":"U8","shape":4,"data_offsets":[0,4]}}""", 4, "not described")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4,8]}}""", 4, "not described")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0]}}""", 4, "not described")]
    [InlineData("""{"a":{"shape":[4],"data_offsets":[0,4]}}""", 4, "not described")]
    [InlineData("""{"a":[]}""", 0, "not described")]
    [InlineData("""{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""", 0,
        "twice")]
    [InlineData("""{"__metadata__":{"format":1}}""", 0, "other things")]
    [InlineData("""{"__metadata__":["pt"]}""", 0, "other things")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""", 0, "other things")]
    [InlineData("""["a"]""", 0, "not a JSON object")]
    [InlineData("""{"a":""", 0, "not a readable")]
    public void Headers_that_lie_are_refused(string header, int dataLength, string words) =>
        Refuse(words, Forged.Safetensors(Encoding.UTF8.GetBytes(header), dataLength));

    [Fact]
    public void Headers_of_false_length_endless_depth_or_broken_text_are_refused()
    {
        byte[] header = "{}      "u8.ToArray();
        foreach (long claimed in new[] { 9, 1, 0, -1, long.MaxValue, long.MinValue, 100_000_001 })
        {
            Refuse("header is longer", Forged.Safetensors(header, 0, claimed));
        }

        Refuse("not a readable", Forged.Safetensors(Encoding.ASCII.GetBytes(new string('[', 1_000_000)), 0));
        Refuse("not a readable",
            Forged.Safetensors([.. "{\"a"u8, 0xff, 0xfe, .. "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"u8], 0));
        Refuse("not a readable", [1, 2, 3]);
    }

    public void Dispose() => _folder.Dispose();

    private void Refuse(string words, byte[] file)
    {
        string path = _folder.Write("hostile.safetensors", file);
        Refused.With(words, path, () => SafetensorsFile.Read(path));
    }
}
