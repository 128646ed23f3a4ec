using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using DinoSharp.Data;
using DinoSharp.Methods.Dino;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;

namespace DinoSharp.Cli.Training;

/// <summary>All that decides what a training computes. Two starts with equal settings are one run.</summary>
internal sealed record TrainSettings
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    public required string Data { get; init; }

    public string? Split { get; init; }

    public string Arch { get; init; } = "vit_small";

    /// <summary>The shape of a transformer; its image size is that of the global crops.</summary>
    public VisionTransformerOptions Shape { get; init; } = new();

    public TrainingOptions Training { get; init; } = new();

    public DinoOptions Dino { get; init; } = new();

    public MultiCropOptions Views { get; init; } = new();

    /// <summary>A new network of these settings; the teacher's has no stochastic depth.</summary>
    public Backbone CreateBackbone(bool student) =>
        BackboneCatalogue.Create(Arch, student ? Shape : Shape with { DropPathRate = 0 });

    /// <summary>Every setting by a flat name: groups joined by dots.</summary>
    public JsonObject ToFlatJson()
    {
        var flat = new JsonObject();
        Flatten(JsonSerializer.SerializeToNode(this, Json)!.AsObject(), "");
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
}
