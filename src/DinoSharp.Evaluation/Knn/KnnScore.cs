namespace DinoSharp.Evaluation.Knn;

/// <summary>What k nearest neighbours get right.</summary>
/// <param name="K">Neighbours asked for; with fewer training images all of them vote.</param>
/// <param name="Top1">Images whose class has the most votes, in percent.</param>
/// <param name="Top5">Images whose class is among the best min(5, K), in percent.</param>
public sealed record KnnScore(int K, double Top1, double Top5);
