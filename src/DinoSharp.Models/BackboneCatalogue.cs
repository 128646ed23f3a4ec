using DinoSharp.Models.Backbones;

namespace DinoSharp.Models;

/// <summary>The named architectures, with the reference's names.</summary>
public static class BackboneCatalogue
{
    private static readonly Dictionary<string, (int EmbedDim, int Depth, int Heads)> Transformers = new()
    {
        ["vit_tiny"] = (192, 12, 3),
        ["vit_small"] = (384, 12, 6),
        ["vit_base"] = (768, 12, 12),
    };

    private static readonly Dictionary<string, (int[] Blocks, bool Bottlenecks)> ResNets = new()
    {
        ["resnet18"] = ([2, 2, 2, 2], false),
        ["resnet50"] = ([3, 4, 6, 3], true),
        ["resnet101"] = ([3, 4, 23, 3], true),
    };

    /// <summary>All names, smallest network first within a family.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Transformers.Keys, .. ResNets.Keys];

    /// <summary>The name as it stands in <see cref="Names"/>; the reference's older releases said deit_ for vit_.</summary>
    /// <exception cref="ArgumentException">No architecture has that name.</exception>
    public static string NameOf(string name)
    {
        string current = name.StartsWith("deit_", StringComparison.Ordinal) ? "vit_" + name["deit_".Length..] : name;
        return Names.Contains(current) ? current : throw Unknown(name);
    }

    /// <summary>Whether the name is one of a Vision Transformer.</summary>
    public static bool IsTransformer(string name) => Transformers.ContainsKey(name);

    /// <summary>The shape of a named Vision Transformer; <paramref name="shape"/> gives what the name leaves open.</summary>
    /// <exception cref="ArgumentException">No transformer has that name.</exception>
    public static VisionTransformerOptions Transformer(string name, VisionTransformerOptions? shape = null) =>
        Transformers.TryGetValue(name, out var t)
            ? (shape ?? new()) with { EmbedDim = t.EmbedDim, Depth = t.Depth, Heads = t.Heads }
            : throw new ArgumentException($"unknown transformer '{name}': the names are {string.Join(", ", Transformers.Keys)}");

    /// <summary>The shape of a named ResNet; <paramref name="shape"/> gives what the name leaves open.</summary>
    /// <exception cref="ArgumentException">No ResNet has that name.</exception>
    public static ResNetOptions Residual(string name, ResNetOptions? shape = null) =>
        ResNets.TryGetValue(name, out var r)
            ? (shape ?? new()) with { Blocks = r.Blocks, Bottlenecks = r.Bottlenecks }
            : throw new ArgumentException($"unknown ResNet '{name}': the names are {string.Join(", ", ResNets.Keys)}");

    /// <summary>A new network with starting values from torch's random state.</summary>
    /// <param name="name">one of <see cref="Names"/></param>
    /// <param name="shape">patch size, image size, channels and drop path of a transformer; of a ResNet only the channels count</param>
    /// <exception cref="ArgumentException">No architecture has that name.</exception>
    public static Backbone Create(string name, VisionTransformerOptions? shape = null) =>
        ResNets.ContainsKey(name) ? new ResNet(Residual(name, new ResNetOptions { InputChannels = shape?.InputChannels ?? 3 })) :
        IsTransformer(name) ? new VisionTransformer(Transformer(name, shape)) :
        throw Unknown(name);

    /// <summary>A network as tables call it: ViT-S/16, ResNet-50; one of no catalogue with its shape.</summary>
    public static string Label(Backbone backbone)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        switch (backbone)
        {
            case VisionTransformer { Options: var t }:
                string? named = Transformers.Where(n => n.Value == (t.EmbedDim, t.Depth, t.Heads)).Select(n => n.Key).FirstOrDefault();
                string size = named is null ? $"{t.EmbedDim}x{t.Depth}" : named["vit_".Length..] is "tiny" ? "Ti" : named["vit_".Length..][..1].ToUpperInvariant();
                return $"ViT-{size}/{t.PatchSize}";
            case ResNet { Options: var r }:
                string? known = ResNets.Where(n => n.Value.Blocks.SequenceEqual(r.Blocks) && n.Value.Bottlenecks == r.Bottlenecks)
                    .Select(n => n.Key).FirstOrDefault();
                string depth = known is null ? string.Join('.', r.Blocks) : known["resnet".Length..];
                return $"ResNet-{depth}{(r.Width == new ResNetOptions().Width ? "" : $", width {r.Width}")}";
            default:
                return backbone.GetName();
        }
    }

    private static ArgumentException Unknown(string name) => new($"unknown architecture '{name}': the names are {string.Join(", ", Names)}");
}
