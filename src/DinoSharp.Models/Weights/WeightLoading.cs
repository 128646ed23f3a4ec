using DinoSharp.Checkpoints;
using static TorchSharp.torch;

namespace DinoSharp.Models.Weights;

/// <summary>Puts named arrays into a network.</summary>
public static class WeightLoading
{
    /// <summary>
    /// Copies each array into the parameter or buffer of its name. Unless <paramref name="partial"/>, all must fit or nothing is touched.
    /// </summary>
    /// <param name="network">to fill</param>
    /// <param name="arrays">by the network's names</param>
    /// <param name="source">the file, for messages</param>
    /// <param name="partial">whether to take what fits and leave the rest of the network as it is</param>
    /// <param name="ignored">names of the file that were set aside before</param>
    /// <exception cref="CheckpointException">One line: what does not fit; or, where partial, that nothing does.</exception>
    public static LoadReport Load(nn.Module network, NamedArrays arrays, string source, bool partial = false,
        IReadOnlyList<string>? ignored = null)
    {
        var state = network.state_dict();
        var (loaded, mismatched) = (new List<string>(), new List<string>());
        foreach (var (name, array) in arrays)
        {
            if (!state.TryGetValue(name, out var tensor))
            {
                continue;
            }

            if (array.Shape.SequenceEqual(tensor.shape))
            {
                loaded.Add(name);
            }
            else
            {
                mismatched.Add($"{name} [{string.Join(", ", array.Shape)}] for [{string.Join(", ", tensor.shape)}]");
            }
        }

        var report = new LoadReport(
            source,
            loaded,
            [.. state.Keys.Where(name => !arrays.TryGet(name, out _) && !MayLack(name))],
            [.. arrays.Names.Where(name => !state.ContainsKey(name))],
            mismatched,
            ignored ?? []);
        if (!partial)
        {
            report.RequireComplete();
        }
        else if (loaded.Count == 0)
        {
            throw new CheckpointException($"{report}: nothing fits");
        }

        foreach (string name in loaded)
        {
            TensorArrays.CopyInto(arrays[name], state[name]);
        }

        return report;
    }

    // PyTorch before 0.4.1 did not write this count, and reads such files as if it were 0; only a cumulative average would use it.
    private static bool MayLack(string name) => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    /// <summary>A network's parameters and buffers, copied.</summary>
    public static NamedArrays Arrays(nn.Module network)
    {
        var arrays = new NamedArrays();
        foreach (var (name, tensor) in network.state_dict())
        {
            arrays.Add(name, TensorArrays.ToArray(tensor));
        }

        return arrays;
    }
}
