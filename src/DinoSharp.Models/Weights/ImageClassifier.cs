using DinoSharp.Checkpoints;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Models.Weights;

/// <summary>A trained classifier of images: a backbone, what of it the classifier is given, and a linear layer.</summary>
public sealed class ImageClassifier : IDisposable
{
    /// <summary>Under which the classes' names stand in files of ours: the arguments of a training, or beside a linear layer.</summary>
    public const string ClassesName = "classes";

    /// <summary>Under which the side of the views stands that the classifier was trained with.</summary>
    public const string ImageSizeName = "image_size";

    private static readonly string[] LayerNames = ["head", "fc", "heads.head"];

    private readonly ProbeFeatures _features;
    private readonly Linear _layer;

    private ImageClassifier(Backbone backbone, ProbeFeatures features, Linear layer, IReadOnlyList<string>? classes, int? imageSize)
    {
        (Backbone, _features, _layer, ImageSize) = (backbone, features, layer, imageSize);
        HasClassNames = classes is not null;
        Classes = classes ?? [.. Enumerable.Range(0, (int)layer.weight!.size(0)).Select(i => $"class {i}")];
    }

    /// <summary>The network underneath, in evaluation mode.</summary>
    public Backbone Backbone { get; }

    /// <summary>The classes' names, or their numbers where the file does not name them.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>Whether the file names the classes.</summary>
    public bool HasClassNames { get; }

    /// <summary>Side of the views it was trained with, where the file says it.</summary>
    public int? ImageSize { get; }

    /// <summary>The values of network and classifier in a few letters.</summary>
    public string Fingerprint => WeightsFingerprint.Of(Backbone, _layer);

    /// <summary>Whether a file has a classifier beside its network.</summary>
    public static bool IsIn(WeightsFile file) => LayerIn(file) is not null;

    /// <summary>A whole network with its classifier: a run of fine-tuning, or a file of DeiT's, timm's or torchvision's layout.</summary>
    /// <param name="file">opened before</param>
    /// <param name="heads">attention heads, where the file does not say and they are not 64 wide</param>
    /// <exception cref="CheckpointException">One line: there is no classifier in the file, or it does not fit the network.</exception>
    public static ImageClassifier Open(WeightsFile file, int? heads = null)
    {
        string name = LayerIn(file)
            ?? throw new CheckpointException(
                $"{file.Path}: holds a backbone without a classifier; give a run of \"dino finetune\", or --linear with the classifier's file");
        var (backbone, _) = Pretrained.Load(file, heads);
        return Build(
            backbone, new ProbeFeatures(1, false), file.Tensors[name + ".weight"], file.Tensors[name + ".bias"], Names(file.Arguments),
            file.Arguments.TryGetValue(ImageSizeName, out object? size) ? (int?)(size as long?) : null, file.Path);
    }

    /// <summary>A frozen backbone with a linear layer of another file.</summary>
    /// <param name="backbone">from now on this classifier's, also to dispose</param>
    /// <param name="linear">the layer</param>
    /// <exception cref="CheckpointException">One line: the layer does not fit the network.</exception>
    public static ImageClassifier Of(Backbone backbone, LinearWeights linear)
    {
        backbone.eval();
        return Build(
            backbone, linear.Features ?? ProbeFeatures.Published(backbone), linear.Weight, linear.Bias, linear.Classes, linear.ImageSize, linear.Path);
    }

    /// <summary>What the classifier says of images.</summary>
    /// <param name="images">normalised // [B, C, H, W]</param>
    /// <returns>// [B, classes]</returns>
    public Tensor Logits(Tensor images)
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        return _layer.forward(_features.Of(Backbone, images)).MoveToOuterDisposeScope();
    }

    /// <summary>Moves it to a device.</summary>
    public ImageClassifier To(Device device)
    {
        Backbone.to(device);
        _layer.to(device);
        return this;
    }

    public void Dispose()
    {
        Backbone.Dispose();
        _layer.Dispose();
    }

    private static ImageClassifier Build(
        Backbone backbone, ProbeFeatures features, ArrayData weight, ArrayData bias, IReadOnlyList<string>? classes, int? imageSize, string path)
    {
        int dim = features.DimOf(backbone);
        if (weight.Shape is not [>= 1 and var count, var inputs] || inputs != dim || !bias.Shape.SequenceEqual([count]))
        {
            backbone.Dispose();
            throw new CheckpointException(
                $"{path}: its classifier has weights of [{string.Join(", ", weight.Shape)}] and this network gives features of length {dim}: " +
                "use the weights that it was trained on");
        }

        var layer = LinearClassifier.Create(dim, (int)count, 1);
        TensorArrays.CopyInto(weight, layer.weight!);
        TensorArrays.CopyInto(bias, layer.bias!);
        return new ImageClassifier(backbone, features, layer, classes?.Count == count ? classes : null, imageSize);
    }

    private static string? LayerIn(WeightsFile file) =>
        LayerNames.FirstOrDefault(n => file.Tensors.TryGet(n + ".weight", out _) && file.Tensors.TryGet(n + ".bias", out _));

    private static List<string>? Names(IReadOnlyDictionary<string, object?> arguments) =>
        arguments.TryGetValue(ClassesName, out object? names) && names is List<object?> list && list.All(name => name is string)
            ? [.. list.Cast<string>()]
            : null;
}
