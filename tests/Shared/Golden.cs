using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using static TorchSharp.torch;

namespace DinoSharp.Tests;

/// <summary>
/// Golden tensors of a safetensors file beside the tests, read by a few lines of their own: a fault in the project's reader must not
/// hide one elsewhere.
/// </summary>
internal sealed class Golden : IDisposable
{
    private readonly Dictionary<string, Tensor> _tensors = [];

    private Golden(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        using var json = JsonDocument.Parse(file.AsMemory(8, header));
        foreach (var entry in json.RootElement.EnumerateObject().Where(e => e.Name != "__metadata__"))
        {
            long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
            var offsets = entry.Value.GetProperty("data_offsets");
            var bytes = file.AsSpan(8 + header + offsets[0].GetInt32(), offsets[1].GetInt32() - offsets[0].GetInt32());
            _tensors[entry.Name] = entry.Value.GetProperty("dtype").GetString() == "I64"
                ? tensor(MemoryMarshal.Cast<byte, long>(bytes).ToArray(), shape)
                : tensor(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), shape);
        }
    }

    public IEnumerable<string> Names => _tensors.Keys;

    public Tensor this[string name] => _tensors[name];

    /// <summary>Tensors of fixtures/NAME in the test's output folder.</summary>
    public static Golden Read(string name) => new(PathOf(name));

    /// <summary>Tensors of any safetensors file.</summary>
    public static Golden ReadFile(string path) => new(path);

    /// <summary>Where fixtures/NAME lies.</summary>
    public static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "fixtures", name);

    /// <summary>A JSON file of fixtures.</summary>
    public static JsonElement Json(string name) => JsonDocument.Parse(File.ReadAllBytes(PathOf(name))).RootElement;

    /// <summary>Copies the tensors whose names start with the prefix into a network; both must have exactly the same names.</summary>
    public void CopyInto(nn.Module network, string prefix = "")
    {
        using var noGrad = no_grad();
        var state = network.state_dict();
        Assert.Equal(
            Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => n[prefix.Length..]).Order(),
            state.Keys.Order());
        foreach (var (name, value) in state)
        {
            value.copy_(_tensors[prefix + name]);
        }
    }

    public void Dispose()
    {
        foreach (var tensor in _tensors.Values)
        {
            tensor.Dispose();
        }
    }

    /// <summary>Fails unless the tensors have one shape and differ nowhere by more than the tolerance.</summary>
    public static void AssertClose(Tensor expected, Tensor actual, double tolerance, string what)
    {
        using var scope = NewDisposeScope();
        Assert.True(expected.shape.SequenceEqual(actual.shape), $"{what}: shape [{string.Join(", ", actual.shape)}]");
        double difference = (expected - actual).abs().max().to(ScalarType.Float64).item<double>();
        Assert.True(difference <= tolerance, $"{what}: differs by {difference:G3}, tolerance {tolerance:G3}");
    }
}
