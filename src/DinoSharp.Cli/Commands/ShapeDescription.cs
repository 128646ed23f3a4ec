using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Checkpoints;

namespace DinoSharp.Cli.Commands;

/// <summary>A network's kind and size in words and as an object.</summary>
internal static class ShapeDescription
{
    /// <param name="shape">of the network</param>
    /// <param name="headsKnown">whether the number of heads is the file's or the user's, and not only a possible one</param>
    public static string Line(BackboneShape shape, bool headsKnown = true)
    {
        var invariant = CultureInfo.InvariantCulture;
        string parameters = string.Create(invariant, $"{shape.ParameterCount:N0} parameters");
        return shape switch
        {
            TransformerShape t => string.Create(invariant,
                $"Vision Transformer: patch {t.PatchSize}, {t.EmbedDim} dimensions, {t.Depth} blocks, " +
                $"{(headsKnown ? string.Create(invariant, $"{t.Heads} heads") : "heads not stated (say them with --num-heads)")}, " +
                $"trained at {ImageSize(t)}x{ImageSize(t)}, {parameters}"),
            ResNetShape r => string.Create(invariant,
                $"ResNet: {string.Join(", ", r.Blocks)} {(r.Bottlenecks ? "bottleneck" : "basic")} blocks, width {r.Width}, " +
                $"{(r.HasSmallStem ? "small stem, " : "")}{parameters}"),
            XcitShape x => string.Create(invariant,
                $"XCiT: patch {x.PatchSize}, {x.EmbedDim} dimensions, {x.Depth} blocks, {x.Heads} heads, {parameters}"),
            _ => throw new ArgumentException($"unknown shape {shape}"),
        };
    }

    /// <inheritdoc cref="Line"/>
    public static JsonObject Json(BackboneShape shape, bool headsKnown = true) => shape switch
    {
        TransformerShape t => new JsonObject
        {
            ["kind"] = "vit",
            ["patch_size"] = t.PatchSize,
            ["embed_dim"] = t.EmbedDim,
            ["depth"] = t.Depth,
            ["num_heads"] = headsKnown ? t.Heads : null,
            ["mlp_dim"] = t.HiddenDim,
            ["image_size"] = ImageSize(t),
            ["channels"] = t.InputChannels,
            ["parameters"] = t.ParameterCount,
        },
        ResNetShape r => new JsonObject
        {
            ["kind"] = "resnet",
            ["blocks"] = new JsonArray([.. r.Blocks.Select(b => (JsonNode)b)]),
            ["bottlenecks"] = r.Bottlenecks,
            ["width"] = r.Width,
            ["small_stem"] = r.HasSmallStem,
            ["channels"] = r.InputChannels,
            ["parameters"] = r.ParameterCount,
        },
        XcitShape x => new JsonObject
        {
            ["kind"] = "xcit",
            ["patch_size"] = x.PatchSize,
            ["embed_dim"] = x.EmbedDim,
            ["depth"] = x.Depth,
            ["num_heads"] = x.Heads,
            ["channels"] = x.InputChannels,
            ["parameters"] = x.ParameterCount,
        },
        _ => throw new ArgumentException($"unknown shape {shape}"),
    };

    private static int ImageSize(TransformerShape shape) => shape.PatchSize * shape.GridSide;
}
