using System.Buffers.Binary;
using System.Collections;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.Json;
using DinoSharp.Tests;

namespace DinoSharp.Checkpoints.Tests;

/// <summary>What files should hold, read without the project's readers, and comparisons with it.</summary>
internal static class Expected
{
    /// <summary>float32 and int64 arrays of fixtures/NAME.</summary>
    public static Dictionary<string, (long[] Shape, Array Values)> Arrays(string name)
    {
        byte[] file = File.ReadAllBytes(TestFolder.Fixture(name));
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        using var json = JsonDocument.Parse(file.AsMemory(8, header));
        return json.RootElement.EnumerateObject().Where(e => e.Name != "__metadata__").ToDictionary(e => e.Name, e =>
        {
            var offsets = e.Value.GetProperty("data_offsets");
            var bytes = file.AsSpan(8 + header + offsets[0].GetInt32(), offsets[1].GetInt32() - offsets[0].GetInt32());
            long[] shape = [.. e.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
            return (shape, e.Value.GetProperty("dtype").GetString() == "I64"
                ? (Array)MemoryMarshal.Cast<byte, long>(bytes).ToArray()
                : MemoryMarshal.Cast<byte, float>(bytes).ToArray());
        });
    }

    public static JsonElement Json(string name) => JsonDocument.Parse(File.ReadAllBytes(TestFolder.Fixture(name))).RootElement;

    public static OrderedDictionary<object, object?> Dictionary(object? value) => Assert.IsType<OrderedDictionary<object, object?>>(value);

    /// <summary>Fails unless a value is what JSON says: lists and tuples are arrays there, dictionaries and namespaces objects.</summary>
    public static void AssertIs(JsonElement expected, object? actual, string where)
    {
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                var entries = actual is PickledNamespace space
                    ? space.Values.ToDictionary(v => v.Key, v => v.Value)
                    : Dictionary(actual).ToDictionary(v => (string)v.Key, v => v.Value);
                Assert.Equal(expected.EnumerateObject().Select(e => e.Name), entries.Keys);
                Assert.All(expected.EnumerateObject(), e => AssertIs(e.Value, entries[e.Name], $"{where}.{e.Name}"));
                break;
            case JsonValueKind.Array:
                object?[] elements = [.. Assert.IsAssignableFrom<IList>(actual)];
                Assert.Equal(expected.GetArrayLength(), elements.Length);
                Assert.All(expected.EnumerateArray().Zip(elements), e => AssertIs(e.First, e.Second, where));
                break;
            case JsonValueKind.Number when actual is long or BigInteger:
                Assert.Equal(expected.GetRawText(), actual.ToString());
                break;
            case JsonValueKind.Number:
                Assert.Equal(expected.GetDouble(), Assert.IsType<double>(actual));
                break;
            case JsonValueKind.String:
                Assert.Equal(expected.GetString(), actual);
                break;
            default:
                Assert.Equal(expected.ValueKind == JsonValueKind.Null ? null : expected.GetBoolean(), actual);
                break;
        }
    }

    /// <summary>Fails unless two values of a torch.save file are the same, types and bits included.</summary>
    public static void AssertSame(object? expected, object? actual)
    {
        switch (expected)
        {
            case ArrayData array:
                AssertSame(array, Assert.IsType<ArrayData>(actual));
                break;
            case PickledNamespace space:
                AssertSame(space.Values.Select(v => (v.Key, v.Value)),
                    Assert.IsType<PickledNamespace>(actual).Values.Select(v => (v.Key, v.Value)));
                break;
            case OrderedDictionary<object, object?> dictionary:
                AssertSame(dictionary.Select(v => (v.Key, v.Value)), Dictionary(actual).Select(v => (v.Key, v.Value)));
                break;
            case IList list and not byte[]:
                Assert.IsType(expected.GetType(), actual);
                object?[] others = [.. (IList)actual];
                Assert.Equal(list.Count, others.Length);
                Assert.All(list.Cast<object?>().Zip(others), e => AssertSame(e.First, e.Second));
                break;
            default:
                Assert.Equal(expected, actual);
                break;
        }
    }

    public static void AssertSame(NamedArrays expected, NamedArrays actual)
    {
        Assert.Equal(expected.Names.Order(), actual.Names.Order());
        Assert.All(expected, e => AssertSame(e.Value, actual[e.Key]));
    }

    private static void AssertSame(ArrayData expected, ArrayData actual)
    {
        Assert.Equal((expected.Type, string.Join(',', expected.Shape)), (actual.Type, string.Join(',', actual.Shape)));
        Assert.True(expected.Bytes.Span.SequenceEqual(actual.Bytes.Span));
    }

    private static void AssertSame<TKey>(IEnumerable<(TKey Key, object? Value)> expected, IEnumerable<(TKey Key, object? Value)> actual)
    {
        Assert.Equal(expected.Select(e => e.Key), actual.Select(e => e.Key));
        Assert.All(expected.Zip(actual), e => AssertSame(e.First.Value, e.Second.Value));
    }
}
