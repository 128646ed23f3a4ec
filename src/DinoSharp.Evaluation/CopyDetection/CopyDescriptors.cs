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
        return nn.functional.normalize(whitening?.Apply(rows) ?? rows, 2, 1).MoveToOuterDisposeScope();
    }

    /// <summary>All rows.</summary>
    /// <returns>of length 1 // float32 [N, K]</returns>
    public Tensor All() => Rows(0, Count);
}
