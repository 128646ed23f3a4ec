using DinoSharp.Data;
using DinoSharp.Methods.Supervised;
using DinoSharp.Training;

namespace DinoSharp.Cli.Classification;

/// <summary>All that decides what a training with labels computes, beside network and images.</summary>
internal sealed record FinetuneSettings
{
    /// <summary>Whether only the network's shape is taken, and its values are new.</summary>
    public bool FromScratch { get; init; }

    /// <summary>A transformer's stochastic depth.</summary>
    public double DropPathRate { get; init; }

    public required SupervisedOptions Supervised { get; init; }

    public required TrainingOptions Training { get; init; }

    /// <summary>The view of an image; the chance of erasing is the method's.</summary>
    public required RandomCropOptions Crop { get; init; }

    /// <summary>How views are made.</summary>
    public IViewRecipe Recipe() => new RandomCropRecipe(Crop with { EraseProbability = Supervised.EraseProbability });
}
