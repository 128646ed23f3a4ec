using System.Security.Cryptography;
using System.Text;
using DinoSharp.Models.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Models.Weights;

/// <summary>A short text that is the same for the same network with the same weights, whatever file they came from.</summary>
public static class WeightsFingerprint
{
    private const int Letters = 16;

    /// <summary>A hash of the names, shapes and values of all parameters and buffers, and of the heads, which these do not show.</summary>
    /// <param name="networks">on any device</param>
    /// <returns>hexadecimal digits</returns>
    public static string Of(params ReadOnlySpan<nn.Module> networks)
    {
        using var scope = NewDisposeScope();
        using var values = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var network in networks)
        {
            if (network is VisionTransformer { Options.Heads: var heads })
            {
                values.AppendData(Encoding.UTF8.GetBytes($"heads {heads}"));
            }

            foreach (var (name, value) in network.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal))
            {
                values.AppendData(Encoding.UTF8.GetBytes($"{name}[{string.Join(',', value.shape)}]"));
                if (value.NumberOfElements > 0)
                {
                    values.AppendData(value.detach().cpu().contiguous().bytes);
                }
            }
        }

        return Convert.ToHexStringLower(values.GetHashAndReset())[..Letters];
    }
}
