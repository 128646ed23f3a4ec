using System.Globalization;
using DinoSharp.Models.Backbones;

namespace DinoSharp.Methods.Supervised;

/// <summary>How far a parameter is from the output, in layers: the embedding is layer 0, the classifier the last.</summary>
internal static class LayerDecay
{
    /// <summary>By what a parameter's learning rate is multiplied.</summary>
    /// <param name="backbone">whose parameter</param>
    /// <param name="name">"backbone." and its name, or that of the classifier's</param>
    /// <param name="decay">from a layer to the one below</param>
    public static double ScaleOf(Backbone backbone, string name, double decay)
    {
        int blocks = backbone switch
        {
            VisionTransformer { Options.Depth: var depth } => depth,
            Xcit { Options.Depth: var depth } => depth,
            _ => ResNetStages,
        };
        int layers = backbone is Xcit ? blocks + Xcit.ClassLayers : blocks;
        return Math.Pow(decay, layers + 1 - LayerOf(name, blocks, layers));
    }

    private const int ResNetStages = 4;

    private static int LayerOf(string name, int blocks, int layers)
    {
        string[] parts = name.Split('.');
        return parts switch
        {
            ["backbone", "blocks", var block, ..] => int.Parse(block, CultureInfo.InvariantCulture) + 1,
            ["backbone", "cls_attn_blocks", var block, ..] => blocks + int.Parse(block, CultureInfo.InvariantCulture) + 1,
            ["backbone", "layer1" or "layer2" or "layer3" or "layer4", ..] => parts[1][^1] - '0',
            ["backbone", "cls_token" or "pos_embed" or "pos_embeder" or "patch_embed" or "conv1" or "bn1", ..] => 0,
            _ => layers + 1, // the last norm and the classifier
        };
    }
}
