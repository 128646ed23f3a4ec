using System.Security.Cryptography;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace DinoSharp.Distributed.Tests.Ranks;

/// <summary>What a scenario gets: its group, and where its results go.</summary>
internal sealed record Rank(ProcessGroup Group, JsonObject Results, string Folder)
{
    /// <summary>Writes the results so far, so that they are there as a whole or not at all.</summary>
    public void Save(string state)
    {
        Results["process"] = Environment.ProcessId;
        Results["size"] = Group.Size;
        string path = Path.Combine(Folder, $"{Group.Rank}.{state}.json");
        File.WriteAllText(path + ".new", Results.ToJsonString());
        File.Move(path + ".new", path);
    }

    /// <summary>Keeps the bits of a tensor.</summary>
    public void Keep(string name, Tensor values) => Results[name] = Bits(values);

    /// <summary>Keeps the values of a small tensor of float64.</summary>
    public void KeepValues(string name, Tensor values)
    {
        using var whole = values.detach().contiguous();
        Results[name] = new JsonArray([.. whole.data<double>().ToArray().Select(value => JsonValue.Create(value))]);
    }

    /// <summary>Shape, type and bits of a tensor, as one text.</summary>
    public static string Bits(Tensor values)
    {
        using var whole = values.detach().contiguous();
        byte[] bytes = whole.NumberOfElements == 0 ? [] : whole.bytes.ToArray();
        return $"{whole.dtype} [{string.Join(", ", whole.shape)}] {Convert.ToHexStringLower(SHA256.HashData(bytes))}";
    }

    /// <summary>
    /// Values that differ from rank to rank and whose sum depends on the order of adding. They are made without an operation on a number:
    /// those are not safe while another thread sets off a collection (docs/memory.md), and tests run side by side.
    /// </summary>
    public static Tensor Values(ScalarType type, long count, int rank, int salt = 0)
    {
        var mixed = Enumerable.Range(1, (int)count).Select(i => (i * (7919L + 104729 * (rank + 1)) + salt * 31) % 1000003);
        return type switch
        {
            ScalarType.Int64 => tensor(mixed.Select(value => value * 1000003 - 7).ToArray()),
            ScalarType.Float64 => tensor(mixed.Select(value => value / 997.0 - 500).ToArray()),
            _ => tensor(mixed.Select(value => (float)(value / 997.0 - 500)).ToArray()),
        };
    }
}
