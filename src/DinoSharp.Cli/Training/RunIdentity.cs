using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using DinoSharp.Data;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;

namespace DinoSharp.Cli.Training;

/// <summary>What makes a run this run: its settings and its images. Two starts of the same identity are one run.</summary>
internal static class RunIdentity
{
    private static readonly JsonSerializerOptions Json = new()
    {
        IgnoreReadOnlyProperties = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>Every setting by a flat name: groups joined by dots.</summary>
    public static JsonObject Flat<T>(T settings)
    {
        var flat = new JsonObject();
        Flatten(JsonSerializer.SerializeToNode(settings, Json)!.AsObject(), "");
        return flat;

        void Flatten(JsonObject group, string prefix)
        {
            foreach (var (name, value) in group)
            {
                if (value is JsonObject inner)
                {
                    Flatten(inner, $"{prefix}{name}.");
                }
                else
                {
                    flat[prefix + name] = value?.DeepClone();
                }
            }
        }
    }

    /// <summary>
    /// Images by their count and their names below the data's path and not by that path, so that a run goes on where its data or itself
    /// was moved.
    /// </summary>
    public static string Of(IImageSource source)
    {
        using var names = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int i = 0; i < source.Count; i++)
        {
            names.AppendData(Encoding.UTF8.GetBytes(source.NameOf(i)));
            names.AppendData("\n"u8);
        }

        return $"{Wording.Number(source.Count)} images, names {Short(names)}";
    }

    /// <summary>A network by its values and not by its file's path.</summary>
    /// <param name="backbone">on any device</param>
    public static string Of(Backbone backbone) =>
        $"{BackboneCatalogue.Label(backbone)}, values {WeightsFingerprint.Of(backbone)}";

    private static string Short(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
}
