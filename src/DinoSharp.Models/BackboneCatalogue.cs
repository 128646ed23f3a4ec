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

    /// <summary>
    /// torchvision's, and ResNet-50 with every width doubled, "RN50 (2x)" of SimCLR, BYOL and SwAV (arXiv 2002.05709, figure 1). torchvision's
    /// wide_resnet50_2 is another network: there only the inner width of a block is doubled.
    /// </summary>
    private static readonly Dictionary<string, (int[] Blocks, bool Bottlenecks, int Width)> ResNets = new()
    {
        ["resnet18"] = ([2, 2, 2, 2], false, 64),
        ["resnet34"] = ([3, 4, 6, 3], false, 64),
        ["resnet50"] = ([3, 4, 6, 3], true, 64),
        ["resnet101"] = ([3, 4, 23, 3], true, 64),
        ["resnet50w2"] = ([3, 4, 6, 3], true, 128),
    };

    private static readonly Dictionary<string, (int EmbedDim, int Depth, int Heads, int PatchSize)> Xcits = new()
    {
        ["xcit_small_12_p16"] = (384, 12, 8, 16),
        ["xcit_small_12_p8"] = (384, 12, 8, 8),
        ["xcit_medium_24_p16"] = (512, 24, 8, 16),
        ["xcit_medium_24_p8"] = (512, 24, 8, 8),
    };

    /// <summary>All names, smallest network first within a family.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Transformers.Keys, .. ResNets.Keys, .. Xcits.Keys];

    /// <summary>The name as it stands in <see cref="Names"/>; the reference's older releases said deit_ for vit_.</summary>
    /// <exception cref="ArgumentException">No architecture has that name.</exception>
    public static string NameOf(string name)
    {
        string current = name.StartsWith("deit_", StringComparison.Ordinal) ? "vit_" + name["deit_".Length..] : name;
        return Names.Contains(current) ? current : throw Unknown(name);
    }

    /// <summary>Whether the name is one of a Vision Transformer.</summary>
    public static bool IsTransformer(string name) => Transformers.ContainsKey(name);

    /// <summary>Whether the name is one of a ResNet.</summary>
    public static bool IsResNet(string name) => ResNets.ContainsKey(name);

    /// <summary>Whether the name is one of a cross-covariance image transformer.</summary>
    public static bool IsXcit(string name) => Xcits.ContainsKey(name);

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
            ? (shape ?? new()) with { Blocks = r.Blocks, Bottlenecks = r.Bottlenecks, Width = r.Width }
            : throw new ArgumentException($"unknown ResNet '{name}': the names are {string.Join(", ", ResNets.Keys)}");

    /// <summary>The shape of a named XCiT; <paramref name="shape"/> gives what the name leaves open.</summary>
    /// <exception cref="ArgumentException">No XCiT has that name.</exception>
    public static XcitOptions CrossCovariance(string name, XcitOptions? shape = null) =>
        Xcits.TryGetValue(name, out var x)
            ? (shape ?? new()) with { EmbedDim = x.EmbedDim, Depth = x.Depth, Heads = x.Heads, PatchSize = x.PatchSize }
            : throw new ArgumentException($"unknown XCiT '{name}': the names are {string.Join(", ", Xcits.Keys)}");

    /// <summary>A new network with starting values from torch's random state.</summary>
    /// <param name="name">one of <see cref="Names"/></param>
    /// <param name="shape">
    /// patch size, image size, channels and drop path of a Vision Transformer; of an XCiT the last two count, of a ResNet the channels
    /// </param>
    /// <exception cref="ArgumentException">No architecture has that name.</exception>
    public static Backbone Create(string name, VisionTransformerOptions? shape = null) =>
        ResNets.ContainsKey(name) ? new ResNet(Residual(name, new ResNetOptions { InputChannels = shape?.InputChannels ?? 3 })) :
        IsTransformer(name) ? new VisionTransformer(Transformer(name, shape)) :
        IsXcit(name) ? new Xcit(CrossCovariance(name, new XcitOptions
        {
            InputChannels = shape?.InputChannels ?? 3,
            DropPathRate = shape?.DropPathRate ?? 0,
        })) :
        throw Unknown(name);

    /// <summary>Whether a network has the shape that a name stands for; a ResNet may be of another width, as trainings of small ones are.</summary>
    public static bool IsNamed(Backbone backbone, string name) => backbone switch
    {
        VisionTransformer { Options: var t } => Transformers.TryGetValue(name, out var named) && named == (t.EmbedDim, t.Depth, t.Heads),
        ResNet { Options: var r } => ResNets.TryGetValue(name, out var named) && SameBlocks(named, r),
        Xcit { Options: var x } => Xcits.TryGetValue(name, out var named) && named == (x.EmbedDim, x.Depth, x.Heads, x.PatchSize),
        _ => false,
    };

    /// <summary>A network as tables call it: ViT-S/16, ResNet-50, XCiT-S12/16; one of no catalogue with its shape.</summary>
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
                // Of the networks of its depth the one of its width, or else the usual one: the first.
                var known = ResNets.Where(n => SameBlocks(n.Value, r)).OrderByDescending(n => n.Value.Width == r.Width).ToArray();
                string depth = known.Length > 0 ? known[0].Key["resnet".Length..] : string.Join('.', r.Blocks);
                int width = known.Length > 0 ? known[0].Value.Width : new ResNetOptions().Width;
                return $"ResNet-{depth}{(r.Width == width ? "" : $", width {r.Width}")}";
            case Xcit { Options: var x }:
                string? xcit = Xcits.Where(n => n.Value == (x.EmbedDim, x.Depth, x.Heads, x.PatchSize)).Select(n => n.Key).FirstOrDefault();
                return $"XCiT-{(xcit is null ? $"{x.EmbedDim}x{x.Depth}" : $"{xcit["xcit_".Length..][..1].ToUpperInvariant()}{x.Depth}")}/{x.PatchSize}";
            default:
                return backbone.GetName();
        }
    }

    private static bool SameBlocks((int[] Blocks, bool Bottlenecks, int Width) named, ResNetOptions shape) =>
        named.Blocks.SequenceEqual(shape.Blocks) && named.Bottlenecks == shape.Bottlenecks;

    private static ArgumentException Unknown(string name) => new($"unknown architecture '{name}': the names are {string.Join(", ", Names)}");
}
