namespace DinoSharp.Training.Runs;

/// <summary>Where a run stands, for whoever watches it.</summary>
/// <param name="StepsDone">optimizer steps, from the run's very beginning</param>
/// <param name="Plan">the whole</param>
/// <param name="Metrics">names and values since the last report; empty where only a message is given</param>
/// <param name="ImagesPerSecond">since the last report</param>
/// <param name="LoaderWaitShare">part of the time since the last report, 0 to 1, in which the training waited for images</param>
/// <param name="RankWaitShare">part of that time in which a process waited for the others, their mean; null for a process that is alone</param>
/// <param name="TimeLeft">at the pace, evaluations included, of this start of the run</param>
/// <param name="Message">something to be told once: a collapse, a new best score</param>
public sealed record RunProgress(
    long StepsDone,
    TrainingPlan Plan,
    IReadOnlyList<(string Name, double Value)> Metrics,
    double ImagesPerSecond,
    double LoaderWaitShare,
    double? RankWaitShare,
    TimeSpan TimeLeft,
    string? Message = null);
