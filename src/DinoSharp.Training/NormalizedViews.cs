using DinoSharp.Cuda;
using DinoSharp.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Training;

/// <summary>A loader's batches as the network takes them: float, normalised, on its device.</summary>
/// <param name="loader">of the batches</param>
/// <param name="normalization">done on the device</param>
/// <param name="device">the network's</param>
/// <param name="gpu">by which batches are copied ahead; null for that of the device, where it is an NVIDIA GPU</param>
public sealed class NormalizedViews(PrefetchLoader loader, PixelNormalization normalization, Device device, IGpu? gpu = null)
{
    private readonly IGpu? _gpu = gpu ?? (device.type == DeviceType.CUDA ? new CudaGpu(device.index) : null);

    /// <summary>The batches of an epoch from a given one on. Each lives until the next is asked for.</summary>
    public IEnumerable<TrainingBatch> Epoch(int epoch, int firstBatch)
    {
        using var upload = _gpu is null ? null : new PixelUpload(_gpu, device);
        var batches = loader.Epoch(epoch, firstBatch);
        foreach (var batch in upload?.Read(batches, Normalized) ?? batches.Select(Normalized))
        {
            try
            {
                yield return batch;
            }
            finally
            {
                foreach (var crop in batch.Crops)
                {
                    crop.Dispose();
                }
            }
        }
    }

    private TrainingBatch Normalized(ViewBatch batch)
    {
        using (batch)
        {
            return Normalized(batch.Pixels, batch.Indices);
        }
    }

    private TrainingBatch Normalized(IReadOnlyList<Tensor> pixels, IReadOnlyList<long> images) =>
        new([.. pixels.Select(crop => normalization.Apply(crop, device).DetachFromDisposeScope())], [.. images]);
}
