using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using DinoSharp.Training;

namespace DinoSharp.Methods.Supervised;

/// <summary>A backbone with a classifier as it stands in a checkpoint.</summary>
internal static class ClassifierState
{
    /// <summary>The names of DeiT's checkpoints: the backbone's own, and head.* for the classifier; torchvision's ResNets call it fc.*.</summary>
    /// <param name="name">key in the checkpoint</param>
    /// <param name="network">whose head is a linear layer</param>
    public static StateSection Of(string name, MultiCropEncoder network)
    {
        string head = network.Backbone is ResNet ? "fc." : "head.";
        return new StateSection(name, "",
        [
            .. network.state_dict().Select(entry => (
                entry.Key.StartsWith("backbone.", StringComparison.Ordinal) ? entry.Key["backbone.".Length..] : head + entry.Key["head.".Length..],
                entry.Value)),
        ]);
    }

    /// <summary>What a classifier's file says of its classes.</summary>
    /// <param name="classes">names; none says nothing</param>
    public static IReadOnlyDictionary<string, object?> Arguments(IReadOnlyList<string> classes) => classes.Count == 0
        ? new Dictionary<string, object?>()
        : new Dictionary<string, object?> { [ImageClassifier.ClassesName] = classes.Select(name => (object?)name).ToList() };
}
