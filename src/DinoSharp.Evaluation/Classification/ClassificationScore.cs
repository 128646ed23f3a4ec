namespace DinoSharp.Evaluation.Classification;

/// <summary>What a classifier gets right.</summary>
/// <param name="Images">images that were classified</param>
/// <param name="Top1">images whose class it finds most likely, in percent</param>
/// <param name="Top5">images whose class is among its five most likely, in percent</param>
public sealed record ClassificationScore(long Images, double Top1, double Top5);
