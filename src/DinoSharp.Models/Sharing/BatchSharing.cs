using DinoSharp.Distributed;
using static TorchSharp.torch;

namespace DinoSharp.Models;

/// <summary>A layer that has to know which images of a batch are this process's.</summary>
internal interface IBatchSharer
{
    BatchShare? Share { set; }
}

/// <summary>Networks whose batch several processes share.</summary>
public static class BatchSharing
{
    /// <summary>
    /// Tells all layers which images of a batch are this process's: batch norms then take the statistics of the whole batch, and stochastic
    /// depth draws for it.
    /// </summary>
    /// <param name="network">whose layers</param>
    /// <param name="share">of the batches that will pass through it in training mode; null where they are whole</param>
    public static void ShareBatch(this nn.Module network, BatchShare? share)
    {
        foreach (var layer in network.modules().Append(network).OfType<IBatchSharer>())
        {
            layer.Share = share is { Group.Size: > 1 } ? share : null;
        }
    }
}
