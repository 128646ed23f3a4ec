using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace DinoSharp.Checkpoints;

/// <summary>
/// Between the names of Hugging Face's ViTModel and the reference's. There query, key and value stand apart; here they are one matrix,
/// stacked in that order.
/// </summary>
public static partial class HuggingFaceLayout
{
    /// <summary>
    /// The only kind of network whose tensors have counterparts here; also what a file without a configuration is taken for.
    /// </summary>
    private const string ModelType = "vit";

    private const string Block = "encoder.layer.";

    private static readonly (string Theirs, string Ours)[] Outside =
    [
        ("embeddings.cls_token", "cls_token"),
        ("embeddings.position_embeddings", "pos_embed"),
        ("embeddings.patch_embeddings.projection.", "patch_embed.proj."),
        ("layernorm.", "norm."),
    ];

    private static readonly (string Theirs, string Ours)[] Inside =
    [
        ("layernorm_before.", "norm1."),
        ("attention.output.dense.", "attn.proj."),
        ("layernorm_after.", "norm2."),
        ("intermediate.dense.", "mlp.fc1."),
        ("output.dense.", "mlp.fc2."),
    ];

    private static readonly string[] Parts = ["query", "key", "value"];

    /// <summary>What stands on the backbone, or is used only while pre-training it.</summary>
    private static readonly string[] BesideBackbone = ["pooler.", "classifier.", "decoder.", "embeddings.mask_token"];

    /// <summary>Whether these are names of a ViTModel, alone or inside a classifier.</summary>
    public static bool Recognises(IEnumerable<string> names) => names.Any(n => Bare(n) == Outside[0].Theirs);

    /// <summary>Whether the tensor belongs to a ViTModel's backbone, and not to what stands on it.</summary>
    internal static bool IsBackbone(string name) => !BesideBackbone.Any(p => Bare(name).StartsWith(p, StringComparison.Ordinal));

    /// <summary>A ViTModel's tensors under the reference's names; what has no counterpart keeps its own.</summary>
    /// <exception cref="CheckpointException">A block has no query, key or value, or they do not fit together.</exception>
    public static NamedArrays ToReference(NamedArrays theirs, string path)
    {
        var ours = new NamedArrays();
        foreach (var (name, array) in theirs)
        {
            string bare = Bare(name);
            if (AttentionPart().Match(bare) is { Success: true } part)
            {
                var (block, kind) = (part.Groups["block"].Value, part.Groups["kind"].Value);
                string before = name[..(name.LastIndexOf('.', name.Length - kind.Length - 2) + 1)];
                if (part.Groups["part"].Value == Parts[0] || !theirs.TryGet($"{before}{Parts[0]}.{kind}", out _))
                {
                    var parts = Parts.Select(p => theirs.TryGet($"{before}{p}.{kind}", out var found)
                        ? found
                        : throw new CheckpointException($"{path}: {before}{p}.{kind} is missing beside {name}")).ToArray();
                    ours.Add($"blocks.{block}.attn.qkv.{kind}", Stack(parts, before, path));
                }
            }
            else
            {
                ours.Add(Translate(bare) ?? name, array);
            }
        }

        return ours;
    }

    /// <summary>A backbone of the reference under the names of a ViTModel.</summary>
    /// <exception cref="InvalidDataException">A tensor has no counterpart there.</exception>
    public static NamedArrays FromReference(NamedArrays ours)
    {
        var theirs = new NamedArrays();
        foreach (var (name, array) in ours)
        {
            if (Qkv().Match(name) is { Success: true } match)
            {
                for (int part = 0; part < Parts.Length; part++)
                {
                    theirs.Add($"{Block}{match.Groups["block"].Value}.attention.attention.{Parts[part]}.{match.Groups["kind"].Value}",
                        Third(array, part));
                }
            }
            else
            {
                theirs.Add(TranslateBack(name), array);
            }
        }

        return theirs;
    }

    /// <summary>The config.json that belongs beside a model of this shape.</summary>
    public static JsonObject Config(TransformerShape shape) => new()
    {
        ["architectures"] = new JsonArray("ViTModel"),
        ["model_type"] = ModelType,
        ["hidden_size"] = shape.EmbedDim,
        ["intermediate_size"] = shape.HiddenDim,
        ["num_hidden_layers"] = shape.Depth,
        ["num_attention_heads"] = shape.Heads,
        ["patch_size"] = shape.PatchSize,
        ["image_size"] = shape.PatchSize * shape.GridSide,
        ["num_channels"] = shape.InputChannels,
        ["hidden_act"] = "gelu",
        ["layer_norm_eps"] = 1e-6,
        ["qkv_bias"] = true,
        ["hidden_dropout_prob"] = 0.0,
        ["attention_probs_dropout_prob"] = 0.0,
    };

    /// <summary>The number of attention heads in the config.json beside a file, if there is one.</summary>
    /// <exception cref="CheckpointException">The configuration is damaged, or of another kind of network.</exception>
    internal static int? HeadsOf(string path)
    {
        string config = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "config.json");
        if (!File.Exists(config))
        {
            return null;
        }

        try
        {
            var values = JsonNode.Parse(File.ReadAllText(config));
            string type = values?["model_type"]?.GetValue<string>() ?? ModelType;
            return type == ModelType
                ? values?["num_attention_heads"]?.GetValue<int>()
                : throw new CheckpointException(
                    $"{config}: a network of type '{type}': of Hugging Face's networks only ViTModel ('{ModelType}') is supported");
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException or FormatException
            or ArgumentException or IOException or UnauthorizedAccessException)
        {
            // An ArgumentException is of a key that is there twice.
            throw new CheckpointException($"{config}: not a readable configuration ({cause.Message.TrimEnd('.')})", cause);
        }
    }

    private static string Bare(string name) => name.StartsWith("vit.", StringComparison.Ordinal) ? name["vit.".Length..] : name;

    private static string? Translate(string theirs)
    {
        if (InBlock().Match(theirs) is { Success: true } match)
        {
            string rest = match.Groups["rest"].Value;
            var inner = Inside.FirstOrDefault(p => rest.StartsWith(p.Theirs, StringComparison.Ordinal));
            return inner.Ours is null ? null : $"blocks.{match.Groups["block"].Value}.{inner.Ours}{rest[inner.Theirs.Length..]}";
        }

        var outer = Outside.FirstOrDefault(p => theirs.StartsWith(p.Theirs, StringComparison.Ordinal));
        return outer.Ours is null ? null : outer.Ours + theirs[outer.Theirs.Length..];
    }

    private static string TranslateBack(string ours)
    {
        if (OurBlock().Match(ours) is { Success: true } match)
        {
            string rest = match.Groups["rest"].Value;
            var inner = Inside.FirstOrDefault(p => rest.StartsWith(p.Ours, StringComparison.Ordinal));
            return inner.Ours is null
                ? throw WithoutCounterpart(ours)
                : $"{Block}{match.Groups["block"].Value}.{inner.Theirs}{rest[inner.Ours.Length..]}";
        }

        var outer = Outside.FirstOrDefault(p => ours.StartsWith(p.Ours, StringComparison.Ordinal));
        return outer.Ours is null ? throw WithoutCounterpart(ours) : outer.Theirs + ours[outer.Ours.Length..];
    }

    private static InvalidDataException WithoutCounterpart(string name) => new($"{name} has no counterpart in Hugging Face's ViTModel");

    /// <summary>Three arrays one after the other along the first dimension.</summary>
    private static ArrayData Stack(ArrayData[] parts, string where, string path)
    {
        if (parts.Any(p => p.Type != parts[0].Type || !p.Shape.SequenceEqual(parts[0].Shape) || p.Shape.Count == 0))
        {
            throw new CheckpointException($"{path}: query, key and value of {where} differ in shape or type");
        }

        int length = parts[0].Bytes.Length;
        byte[] bytes = GC.AllocateUninitializedArray<byte>(checked(length * parts.Length));
        foreach (var (i, part) in parts.Index())
        {
            part.Bytes.Span.CopyTo(bytes.AsSpan(i * length));
        }

        return new ArrayData(parts[0].Type, [parts[0].Shape[0] * parts.Length, .. parts[0].Shape.Skip(1)], bytes);
    }

    private static ArrayData Third(ArrayData array, int part)
    {
        if (array.Shape.Count == 0 || array.Shape[0] % Parts.Length != 0)
        {
            throw new InvalidDataException($"[{string.Join(", ", array.Shape)}] is no query, key and value");
        }

        int length = array.Bytes.Length / Parts.Length;
        return new ArrayData(array.Type, [array.Shape[0] / Parts.Length, .. array.Shape.Skip(1)], array.Bytes.Slice(part * length, length));
    }

    [GeneratedRegex(@"^encoder\.layer\.(?<block>\d+)\.attention\.attention\.(?<part>query|key|value)\.(?<kind>weight|bias)$")]
    private static partial Regex AttentionPart();

    [GeneratedRegex(@"^encoder\.layer\.(?<block>\d+)\.(?<rest>.+)$")]
    private static partial Regex InBlock();

    [GeneratedRegex(@"^blocks\.(?<block>\d+)\.(?<rest>.+)$")]
    private static partial Regex OurBlock();

    [GeneratedRegex(@"^blocks\.(?<block>\d+)\.attn\.qkv\.(?<kind>weight|bias)$")]
    private static partial Regex Qkv();
}
