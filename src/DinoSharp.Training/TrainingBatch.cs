using static TorchSharp.torch;

namespace DinoSharp.Training;

/// <summary>What a step sees: views of some images, and which images of the source these are.</summary>
/// <param name="Crops">one tensor a resolution, view-major: rows vB to vB + B - 1 are view v // [V_r B, C, H_r, W_r]</param>
/// <param name="Images">indices into the source, B of them; a method that learns without labels asks for none</param>
public sealed record TrainingBatch(IReadOnlyList<Tensor> Crops, IReadOnlyList<long> Images)
{
    /// <summary>One of the equal parts of a batch: some of its images with all their views.</summary>
    /// <param name="part">from 0</param>
    /// <param name="images">in a part</param>
    /// <param name="batchSize">images B in the whole</param>
    public TrainingBatch Part(int part, int images, int batchSize) => new(
        [
            .. Crops.Select(rows => rows
                .view([-1, batchSize, .. rows.shape.AsSpan(1)]) // [V_r, B, C, H_r, W_r]
                .narrow(1, (long)part * images, images)
                .flatten(0, 1)),
        ],
        [.. Images.Skip(part * images).Take(images)]);
}
