using DinoSharp.Data;
using DinoSharp.Distributed;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods;

/// <summary>What a method is given to build itself from.</summary>
public sealed record MethodSetup
{
    /// <summary>A new network of the training's shape on the CPU; with stochastic depth if it is to train (true), else without.</summary>
    public required Func<bool, Backbone> CreateBackbone { get; init; }

    public required TrainingOptions Training { get; init; }

    /// <summary>How long the training is, for schedules.</summary>
    public required TrainingPlan Plan { get; init; }

    /// <summary>The views that a batch holds: so many global ones, then so many local ones.</summary>
    public required MultiCropOptions Views { get; init; }

    /// <summary>Images there are to learn from; a batch names its images by numbers below this.</summary>
    public required int Images { get; init; }

    /// <summary>The processes that share each batch.</summary>
    public ProcessGroup Group { get; init; } = ProcessGroup.Alone;

    /// <summary>Which images of what passes through the networks at once are this process's.</summary>
    public BatchShare Share => new(Group, Training.BatchSize / Training.AccumulationSteps / Group.Size);

    /// <summary>Where the method lives.</summary>
    public required Device Device { get; init; }

    /// <summary>Classes of the images, where they have any.</summary>
    public ImageLabels? Labels { get; init; }

    /// <summary>A new backbone with a head on its features, on the device.</summary>
    /// <param name="trained">whether it is to train</param>
    /// <param name="head">shape of the head</param>
    internal MultiCropEncoder CreateEncoder(bool trained, MlpHeadOptions head)
    {
        var backbone = CreateBackbone(trained);
        return Place(new MultiCropEncoder(backbone, MlpHead.Create(backbone.FeatureDim, head)));
    }

    /// <summary>Moves a network to the device, and tells it which images are this process's.</summary>
    internal T Place<T>(T network)
        where T : nn.Module
    {
        network.to(Device);
        network.ShareBatch(Share);
        return network;
    }
}
