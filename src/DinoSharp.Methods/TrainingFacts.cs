using DinoSharp.Training.Optimizers;

namespace DinoSharp.Methods;

/// <summary>The size of a training, which settings have to fit.</summary>
/// <param name="Images">images there are to learn from</param>
/// <param name="ImageSide">median of their shorter sides in pixels</param>
/// <param name="BatchSize">images a step</param>
/// <param name="Steps">optimizer steps in all</param>
/// <param name="Transformer">whether the network is a Vision Transformer</param>
public sealed record TrainingFacts(int Images, int ImageSide, int BatchSize, long Steps, bool Transformer)
{
    /// <summary>Whether the network has batch norm, as ResNets and XCiT have.</summary>
    public bool BatchNorm { get; init; } = !Transformer;

    /// <summary>Processes that share each batch.</summary>
    public int Processes { get; init; } = 1;

    /// <summary>The optimizer, where one was asked for.</summary>
    public OptimizerKind? Optimizer { get; init; }

    /// <summary>Passes over the images.</summary>
    public double Epochs => (double)Steps * BatchSize / Images;
}
