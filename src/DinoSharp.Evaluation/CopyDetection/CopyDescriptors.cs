using DinoSharp.Evaluation.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.CopyDetection;

/// <summary>The features of a table as copies are looked for by: whitened, if asked for, and of length 1; made when they are needed.</summary>
/// <param name="table">the features as the network gives them // [N, F]</param>
/// <param name="whitening">stays the caller's; null leaves the features as they are</param>
/// <param name="device">where they are computed and compared; the CPU if not given</param>
public sealed class CopyDescriptors(FeatureTable table, Whitening? whitening = null, Device? device = null)
{
    private const int BlockRows = 1024;

    /// <summary>Images N.</summary>
    public int Count => table.Rows;

    /// <summary>The images' paths.</summary>
    public IReadOnlyList<string> Names => table.Names;

    /// <summary>Some of the rows.</summary>
    /// <param name="start">the first</param>
    /// <param name="count">how many</param>
    /// <returns>of length 1 // float32 [count, K]</returns>
    public Tensor Rows(int start, int count)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        float[] values = table.Values[(start * table.Dim)..((start + count) * table.Dim)];
        var rows = tensor(values, count, table.Dim).to(device ?? CPU); // [count, F]
        return Of(rows, whitening).MoveToOuterDisposeScope();
    }

    /// <summary>All rows of features that processes share. Whitening multiplies the same rows at once, however many processes there are.</summary>
    /// <param name="features">as the network gives them // [N, F]</param>
    /// <param name="whitening">stays the caller's; null leaves the features as they are</param>
    /// <param name="device">where they are computed</param>
    /// <returns>of length 1; each process has about the share that it has of the features // [N, K]</returns>
    public static SharedRows Of(SharedRows features, Whitening? whitening, Device device)
    {
        ArgumentNullException.ThrowIfNull(features);
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        float[] values = [.. features.Blocks(BlockRows).SelectMany(block => Of(block.Rows.to(device), whitening).cpu().data<float>())];
        return new SharedRows(features.Group, values, (int)(whitening?.OutputDim ?? features.Dim));
    }

    private static Tensor Of(Tensor features, Whitening? whitening) => nn.functional.normalize(whitening?.Apply(features) ?? features, 2, 1);
}
