using DinoSharp.Data;
using DinoSharp.Models;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Cli.Classification;

/// <summary>All that decides what a linear evaluation computes, beside network and images.</summary>
internal sealed record LinearSettings
{
    /// <summary>Around the published 0.001, which is right for ImageNet and often too low for small sets.</summary>
    public static readonly double[] UsualRates = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1];

    /// <summary>For a batch of 256; scaled linearly with the batch size. One classifier each.</summary>
    public required IReadOnlyList<double> Rates { get; init; }

    /// <summary>What of the network the classifiers are given.</summary>
    public required ProbeFeatures Features { get; init; }

    /// <summary>Whether features are taken once, of the views of the evaluation, and not anew in each epoch of random crops.</summary>
    public bool Cached { get; init; }

    public required TrainingOptions Training { get; init; }

    public required RandomCropOptions Crop { get; init; }

    /// <summary>SGD with momentum, without weight decay or warm-up, along a cosine to 0 in steps of an epoch (arXiv 2104.14294, F.2).</summary>
    public static TrainingOptions Schedule(IReadOnlyList<double> rates, int epochs, int batchSize, long seed) => new()
    {
        Epochs = epochs,
        BatchSize = batchSize,
        Optimizer = OptimizerKind.Sgd,
        LearningRate = rates.Max(),
        MinLearningRate = 0,
        WarmupEpochs = 0,
        RateStepsByEpoch = true,
        WeightDecay = 0,
        WeightDecayEnd = 0,
        ClipGradient = 0,
        Seed = seed,
    };
}
