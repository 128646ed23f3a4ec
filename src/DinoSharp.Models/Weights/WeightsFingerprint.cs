using System.Security.Cryptography;
using static TorchSharp.torch;

namespace DinoSharp.Models.Weights;

/// <summary>A network's values in a few letters: the same wherever its file lies.</summary>
public static class WeightsFingerprint
{
    private const int Letters = 16;

    /// <param name="tensors">on any device</param>
    public static string Of(IEnumerable<Tensor> tensors)
    {
        using var values = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in tensors)
        {
            using var copy = tensor.detach().cpu().contiguous();
            values.AppendData(copy.bytes);
        }

        return Convert.ToHexStringLower(values.GetHashAndReset())[..Letters];
    }
}
