namespace DinoSharp.Methods;

/// <summary>The size of a training, which settings have to fit.</summary>
/// <param name="Images">images there are to learn from</param>
/// <param name="ImageSide">median of their shorter sides in pixels</param>
/// <param name="BatchSize">images a step</param>
/// <param name="Steps">optimizer steps in all</param>
/// <param name="Transformer">whether the network is a Vision Transformer</param>
public sealed record TrainingFacts(int Images, int ImageSide, int BatchSize, long Steps, bool Transformer);
