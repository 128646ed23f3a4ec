using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using DinoSharp.Models.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.Features;

/// <summary>A short text that is the same for the same network with the same weights, whatever file they came from.</summary>
public static class BackboneFingerprint
{
    /// <summary>A hash of the names, shapes and values of all parameters and buffers, and of the heads, which these do not show.</summary>
    /// <returns>32 hexadecimal digits</returns>
    public static string Of(Backbone backbone)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        using var scope = NewDisposeScope();
        XxHash128 hash = new();
        if (backbone is VisionTransformer { Options.Heads: var heads })
        {
            hash.Append(Encoding.UTF8.GetBytes($"heads {heads}"));
        }

        foreach (var (name, value) in backbone.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            hash.Append(Encoding.UTF8.GetBytes($"{name}[{string.Join(',', value.shape)}]"));
            if (value.NumberOfElements > 0)
            {
                hash.Append(value.detach().cpu().contiguous().bytes);
            }
        }

        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
