using DinoSharp.Data;
using static TorchSharp.torch;

namespace DinoSharp.Training;

/// <summary>A loader's batches as the network takes them: float, normalised, on its device.</summary>
public sealed class NormalizedViews(PrefetchLoader loader, PixelNormalization normalization, Device device)
{
    /// <summary>The batches of an epoch from a given one on. Each lives until the next is asked for.</summary>
    public IEnumerable<TrainingBatch> Epoch(int epoch, int firstBatch)
    {
        foreach (var batch in loader.Epoch(epoch, firstBatch))
        {
            Tensor[] crops;
            long[] images;
            using (batch)
            {
                crops = [.. batch.Pixels.Select(pixels => normalization.Apply(pixels, device).DetachFromDisposeScope())];
                images = [.. batch.Indices];
            }

            try
            {
                yield return new TrainingBatch(crops, images);
            }
            finally
            {
                foreach (var crop in crops)
                {
                    crop.Dispose();
                }
            }
        }
    }
}
