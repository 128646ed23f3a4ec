using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DinoSharp.Data;
using DinoSharp.Distributed;

namespace DinoSharp.Evaluation.Features;

/// <summary>What processes tell one another of images that they share.</summary>
internal static class SharedWork
{
    /// <summary>What all of them have to see alike, for <see cref="RankAgreement"/>.</summary>
    /// <param name="source">the images</param>
    /// <param name="how">what is computed of them</param>
    public static JsonObject Identity(IImageSource source, string how)
    {
        using var names = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int i = 0; i < source.Count; i++)
        {
            names.AppendData(Encoding.UTF8.GetBytes(source.NameOf(i) + "\n"));
        }

        string hash = Convert.ToHexStringLower(names.GetHashAndReset())[..16];
        return new JsonObject { ["images"] = $"{source.Count} of names {hash}", ["features"] = how };
    }

    /// <summary>The images that any of them could not use.</summary>
    public static IEnumerable<Fault> Faults(ProcessGroup group, IReadOnlyList<Fault> own) =>
        group.GatherMessages(JsonSerializer.SerializeToUtf8Bytes(own)).SelectMany(message => JsonSerializer.Deserialize<Fault[]>(message)!);
}
