using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace DinoSharp.Checkpoints;

/// <summary>
/// Between the names of Hugging Face's ViTModel and the reference's. There query, key and value stand apart; here they are one matrix, stacked
/// in that order.
/// </summary>
public static partial class HuggingFaceLayout
{
    /// <summary>What precedes names that have no counterpart.</summary>
    internal const string LeftOver = "hf:";

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

    /// <summary>Whether these are names of a ViTModel, alone or inside a classifier.</summary>
    public static bool Recognises(IEnumerable<string> names) => names.Any(n => Bare(n) == Outside[0].Theirs);

    /// <summary>A ViTModel's tensors under the reference's names.</summary>
    /// <exception cref="CheckpointException">A block has no query, key or value, or they do not fit together.</exception>
    public static NamedArrays ToReference(NamedArrays theirs, string path)
    {
        var ours = new NamedArrays();
        foreach (var (name, array) in theirs)
        {
            string bare = Bare(name);
            if (AttentionPart().Match(bare) is { Success: true } part)
            {
                if (part.Groups["part"].Value == Parts[0])
                {
                    var (block, kind) = (part.Groups["block"].Value, part.Groups["kind"].Value);
                    string before = name[..(name.LastIndexOf('.', name.Length - kind.Length - 2) + 1)];
                    var parts = Parts.Select(p => theirs.TryGet($"{before}{p}.{kind}", out var found)
                        ? found
                        : throw new CheckpointException($"{path}: {before}{p}.{kind} is missing beside its query")).ToArray();
                    ours.Add($"blocks.{block}.attn.qkv.{kind}", Stack(parts, before, path));
                }
            }
            else
            {
                ours.Add(Translate(bare) ?? LeftOver + name, array);
            }
        }

        return ours;
    }

    /// <summary>A backbone of the reference under the names of a ViTModel.</summary>
    public static NamedArrays FromReference(NamedArrays ours)
    {
        var theirs = new NamedArrays();
        foreach (var (name, array) in ours)
        {
            if (Qkv().Match(name) is { Success: true } match)
            {
                for (int part = 0; part < Parts.Length; part++)
                {
                    theirs.Add($"{Block}{match.Groups["block"].Value}.attention.attention.{Parts[part]}.{match.Groups["kind"].Value}", Third(array, part));
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
        ["model_type"] = "vit",
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
    internal static int? HeadsOf(string path)
    {
        string config = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "config.json");
        if (!File.Exists(config))
        {
            return null;
        }

        try
        {
            return JsonNode.Parse(File.ReadAllText(config))?["num_attention_heads"]?.GetValue<int>();
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException)
        {
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
            var inner = Inside.First(p => rest.StartsWith(p.Ours, StringComparison.Ordinal));
            return $"{Block}{match.Groups["block"].Value}.{inner.Theirs}{rest[inner.Ours.Length..]}";
        }

        var outer = Outside.First(p => ours.StartsWith(p.Ours, StringComparison.Ordinal));
        return outer.Theirs + ours[outer.Ours.Length..];
    }

    /// <summary>Three arrays one after the other along the first dimension.</summary>
    private static ArrayData Stack(ArrayData[] parts, string where, string path)
    {
        if (parts.Any(p => p.Type != parts[0].Type || !p.Shape.SequenceEqual(parts[0].Shape) || p.Shape.Count == 0))
        {
            throw new CheckpointException($"{path}: query, key and value of {where} differ in shape or type");
        }

        byte[] bytes = [.. parts.SelectMany(p => p.Bytes.ToArray())];
        return new ArrayData(parts[0].Type, [parts[0].Shape[0] * parts.Length, .. parts[0].Shape.Skip(1)], bytes);
    }

    private static ArrayData Third(ArrayData array, int part)
    {
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
