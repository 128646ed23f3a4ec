using DinoSharp.Training;
using static TorchSharp.torch;

namespace DinoSharp.Methods;

/// <summary>What a classifier should say of the images that it learns from.</summary>
public interface IImageTargets
{
    /// <summary>Number of classes C.</summary>
    int Classes { get; }

    /// <summary>The classes' names; empty where they have none.</summary>
    IReadOnlyList<string> Names { get; }

    /// <summary>The probability of each class for a batch's images.</summary>
    /// <returns>float32, rows add up to 1 // [B, C]</returns>
    Tensor Targets(TrainingBatch batch, Device device);
}
