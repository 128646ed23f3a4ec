namespace DinoSharp.Training.Memory;

/// <summary>What a training takes of memory at its peak, as a line in the images of a batch.</summary>
/// <param name="FixedBytes">what does not depend on the batch: the process, the networks, the optimizer</param>
/// <param name="BytesPerImage">of an image that passes through the network: its crops and all that the backward pass needs of it</param>
/// <param name="GradientBytes">of the gradients, which are there from the second part of a batch on</param>
/// <param name="PixelsPerImage">numbers in all crops of an image</param>
/// <param name="LeastImages">the fewest that can pass at once</param>
public sealed record MemoryNeed(long FixedBytes, double BytesPerImage, long GradientBytes, long PixelsPerImage, int LeastImages)
{
    /// <summary>Batches of bytes that the loader has: two made ahead, and the memory of the one in use.</summary>
    private const int LoadedBatches = 3;

    /// <summary>What no step shows: threads that load, files that are written, and that a long training leaves more gaps on the heap than a short one.</summary>
    private const long AsideBytes = 64L << 20;

    /// <summary>Bytes at the peak.</summary>
    /// <param name="batchSize">images of an optimizer step</param>
    /// <param name="parts">in which they pass one after the other</param>
    public long Of(int batchSize, int parts = 1)
    {
        double bytes = FixedBytes + AsideBytes + BytesPerImage * batchSize / parts + (double)LoadedBatches * PixelsPerImage * batchSize;
        return (long)(parts == 1 ? bytes : bytes + GradientBytes + (double)sizeof(float) * PixelsPerImage * batchSize);
    }

    /// <summary>The largest batch whose peak is within a limit: up to 8 images a power of two, above it a multiple of 8; 0 if there is none.</summary>
    /// <param name="limit">bytes</param>
    /// <param name="most">images</param>
    /// <param name="parts">in which they pass one after the other</param>
    public int LargestBatch(long limit, int most, int parts = 1) =>
        Sizes(most).FirstOrDefault(size => size % parts == 0 && size / parts >= LeastImages && Of(size, parts) <= limit);

    /// <summary>The parts into which a batch has to be cut, as few as the limit allows; 0 if there are none.</summary>
    /// <param name="limit">bytes</param>
    /// <param name="batchSize">images of an optimizer step</param>
    public int FewestParts(long limit, int batchSize) => Enumerable.Range(1, batchSize)
        .FirstOrDefault(parts => batchSize % parts == 0 && batchSize / parts >= LeastImages && Of(batchSize, parts) <= limit);

    private static IEnumerable<int> Sizes(int most)
    {
        for (int size = most; size > 0; size = size > 8 ? (size - 1) / 8 * 8 : size / 2)
        {
            yield return size;
        }
    }
}
