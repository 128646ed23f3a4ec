namespace DinoSharp.Training.Runs;

/// <summary>By what a run is judged while it trains; higher is better.</summary>
/// <param name="Name">key in the metrics, e.g. knn_top1</param>
/// <param name="Label">what people read, e.g. k-NN top-1</param>
/// <param name="Evaluate">the network as it is now, in percent</param>
/// <param name="KeepsBest">whether the best state is kept; not where the score is also the result: it would be chosen by the test</param>
public sealed record RunScore(string Name, string Label, Func<double> Evaluate, bool KeepsBest = true);
