using System.Numerics;
using DinoSharp.Tests;

namespace DinoSharp.Checkpoints.Tests;

/// <summary>Files that PyTorch wrote (fixtures/vit), and files of ours read back.</summary>
public sealed class TorchFileTests
{
    [Theory]
    [InlineData("vit/container.pth")]
    [InlineData("vit/container-legacy.pth")]
    public void Every_kind_of_tensor_and_value_is_read_from_either_format(string file)
    {
        var root = Expected.Dictionary(TorchFile.Read(TestFolder.Fixture(file)));
        var description = Expected.Json("vit/container.json");
        var golden = Expected.Arrays("vit/container.safetensors");
        var tensors = Expected.Dictionary(root["tensors"]);

        Assert.Equal(description.GetProperty("dtypes").EnumerateObject().Select(d => d.Name), tensors.Keys);
        foreach (var (key, value) in tensors)
        {
            var (name, array) = ((string)key, Assert.IsType<ArrayData>(value));
            Assert.Equal(description.GetProperty("dtypes").GetProperty(name).GetString(), array.Type.ToString(), ignoreCase: true);
            Assert.Equal(golden[name].Shape, array.Shape);
            Assert.Equal(golden[name].Values, golden[name].Values is long[]? array.ToInt64() : array.ToFloat32());
        }

        Expected.AssertIs(description.GetProperty("values"), root["values"], "values");
        Assert.IsType<object?[]>(Expected.Dictionary(root["values"])["tuple"]);
    }

    [Theory]
    [InlineData("vit/container.pth")]
    [InlineData("vit/container-legacy.pth")]
    public void Without_tensors_the_rest_is_the_same_and_their_memory_is_not_read(string file)
    {
        using TestFolder folder = new();
        var whole = Expected.Dictionary(TorchFile.Read(TestFolder.Fixture(file)));
        var tensors = Expected.Dictionary(whole["tensors"]);
        string path = folder.Write("damaged.pth", Damaged(File.ReadAllBytes(TestFolder.Fixture(file)), (ArrayData)tensors.GetAt(0).Value!));
        var rest = Expected.Dictionary(TorchFile.ReadWithoutTensors(path));
        Assert.Equal(whole.Keys, rest.Keys);
        Expected.AssertSame(whole["values"], rest["values"]);
        Assert.Equal(tensors.Keys, Expected.Dictionary(rest["tensors"]).Keys);
        Assert.All(Expected.Dictionary(rest["tensors"]).Values, Assert.Null);

        static byte[] Damaged(byte[] bytes, ArrayData tensor)
        {
            bytes[bytes.AsSpan().IndexOf(tensor.Bytes.Span)] ^= 1;
            return bytes;
        }
    }

    [Fact]
    public void A_training_of_the_reference_is_read_to_the_last_tensor()
    {
        var root = Expected.Dictionary(TorchFile.Read(TestFolder.Fixture("vit/checkpoint.pth")));
        var description = Expected.Json("vit/checkpoint.json");
        Expected.AssertIs(description.GetProperty("args"), root["args"], "args");
        Assert.Equal(description.GetProperty("epoch").GetInt64(), root["epoch"]);
        var sums = description.GetProperty("checksums");
        foreach (string network in new[] { "student", "teacher" })
        {
            var state = Expected.Dictionary(root[network]);
            Assert.Equal(description.GetProperty(network + "-keys").EnumerateArray().Select(k => k.GetString()), state.Keys);
            Assert.All(state, entry =>
            {
                var expected = sums.GetProperty($"{network}.{entry.Key}");
                float[] values = ((ArrayData)entry.Value!).ToFloat32();
                Assert.Equal(expected[0].GetDouble(), values.Sum(v => (double)v), 1e-3);
                Assert.Equal(expected[1].GetDouble(), values.Sum(v => Math.Abs((double)v)), 1e-3);
            });
        }
    }

    [Theory]
    [InlineData("vit/container.pth")]
    [InlineData("vit/checkpoint.pth")]
    public void What_was_read_comes_back_when_written_and_read_again_and_twice_gives_the_same_bytes(string file)
    {
        using TestFolder folder = new();
        object? root = TorchFile.Read(TestFolder.Fixture(file));
        string first = Path.Combine(folder.Path, "first.pth"), second = Path.Combine(folder.Path, "second.pth");
        TorchFile.Write(first, root);
        object? again = TorchFile.Read(first);
        Expected.AssertSame(root, again);
        TorchFile.Write(second, again);
        Assert.Equal(File.ReadAllBytes(first), File.ReadAllBytes(second));
    }

    [Fact]
    public void Values_at_the_edges_come_back_as_they_were()
    {
        using TestFolder folder = new();
        string path = Path.Combine(folder.Path, "edges.pth");
        var values = new List<object?>
        {
            0L, -1L, (long)int.MaxValue, int.MaxValue + 1L, (long)int.MinValue, int.MinValue - 1L, long.MaxValue, long.MinValue,
            BigInteger.Pow(2, 63), -BigInteger.Pow(2, 64), BigInteger.Pow(7, 1000), // the last takes more than 255 bytes
            double.NaN, double.NegativeInfinity, double.Epsilon, -0.0, "", "café ☃ 🦕", "\r\n\0",
            new byte[] { 0, 127, 128, 255 }, Array.Empty<byte>(),
            new List<object?>(), Array.Empty<object?>(), new OrderedDictionary<object, object?>(), new PickledNamespace([]),
            new object?[] { null, new List<object?> { true, new object?[] { false } } },
            new OrderedDictionary<object, object?>
            {
                [3L] = "three", ["x"] = null, [2.5] = new OrderedDictionary<object, object?> { [true] = 1L },
            },
        };
        values.AddRange(Enum.GetValues<ElementType>().Select(t => new ArrayData(t, [2, 3], Bytes(6 * t.Size()))));
        values.AddRange(Enum.GetValues<ElementType>().Select(t => new ArrayData(t, [], Bytes(t.Size()))));
        values.Add(new ArrayData(ElementType.Float32, [3, 0, 5], Bytes(0)));
        TorchFile.Write(path, values);
        Expected.AssertSame(values, TorchFile.Read(path));
    }

    [Fact]
    public void What_Python_has_no_place_for_or_no_end_is_refused_and_leaves_no_file()
    {
        using TestFolder folder = new();
        string path = Path.Combine(folder.Path, "none.pth");
        var circle = new List<object?>();
        circle.Add(circle);
        Assert.Throws<ArgumentException>(() => TorchFile.Write(path, new Version(1, 0)));
        Assert.Throws<ArgumentException>(() => TorchFile.Write(path, circle));
        Assert.Empty(Directory.EnumerateFiles(folder.Path));
    }

    private static byte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(i => (byte)(i % 2))];
}
