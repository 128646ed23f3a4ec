using System.Globalization;

namespace DinoSharp.Checkpoints;

/// <summary>
/// The networks of a file of weights under one set of names, whatever its layout: a backbone under the reference's or torchvision's names,
/// and a projection head where there is one.
/// </summary>
public sealed class WeightsFile
{
    /// <summary>The teacher is the network to use (section 5.2 of the paper); the student is there to go on with.</summary>
    private const string DefaultKey = "teacher";

    /// <summary>Where a checkpoint of this program says what the reference has no place for.</summary>
    public const string OwnKey = "dinosharp";

    /// <summary>Under which it says there which network is the one to use.</summary>
    public const string NetworkName = "network";

    private static readonly string[] Wrappers = ["module.", "backbone."];

    /// <summary>
    /// torch.save({"state_dict": ...}) and {"model": ...} are common ways to keep one network. The moving average of a training with labels is
    /// there to be used instead of the network it is of.
    /// </summary>
    private static readonly string[] Containers = ["model_ema", "state_dict", "model"];

    private WeightsFile(string path, WeightsLayout layout, NamedArrays tensors, int? heads)
    {
        (Path, Tensors, Layout, HeadCount) = (path, tensors, layout, heads);
        if (HuggingFaceLayout.Recognises(tensors.Names))
        {
            Layout = WeightsLayout.HuggingFace;
            HeadCount ??= HuggingFaceLayout.HeadsOf(path);
            Sort(HuggingFaceLayout.ToReference(tensors, path), HuggingFaceLayout.IsBackbone);
        }
        else
        {
            Sort(tensors, IsBackbone);
        }

        if (Backbone.Count == 0)
        {
            throw new CheckpointException($"{path}: holds no tensors of a backbone");
        }
    }

    /// <summary>The file that was read.</summary>
    public string Path { get; }

    /// <summary>How it was laid out.</summary>
    public WeightsLayout Layout { get; }

    /// <summary>The backbone's tensors.</summary>
    public NamedArrays Backbone { get; } = new();

    /// <summary>The projection head's tensors; empty if the file has none.</summary>
    public NamedArrays Head { get; } = new();

    /// <summary>Tensors that belong to neither: a classifier, a pooling layer.</summary>
    public IReadOnlyList<string> Ignored => _ignored;

    /// <summary>All tensors of the network that was opened, under the file's own names.</summary>
    public NamedArrays Tensors { get; }

    /// <summary>Attention heads, where the file says it; no tensor's shape tells.</summary>
    public int? HeadCount { get; }

    /// <summary>
    /// The networks of a training's checkpoint, of which <see cref="Network"/> was opened; empty where there is but one without a name.
    /// </summary>
    public IReadOnlyList<string> Networks { get; private init; } = [];

    /// <summary>The name of the network that was opened, if it has one.</summary>
    public string? Network { get; private init; }

    /// <summary>Epochs that were done when a training's checkpoint was written, where it says so.</summary>
    public long? Epoch { get; private init; }

    /// <summary>The arguments that a training's checkpoint was made with; empty where there are none.</summary>
    public IReadOnlyDictionary<string, object?> Arguments { get; private init; } = new Dictionary<string, object?>();

    private readonly List<string> _ignored = [];

    /// <summary>
    /// Opens a .pth or .safetensors file, a folder of Hugging Face, or a run folder (its best checkpoint, or else the latest).
    /// </summary>
    /// <param name="path">file or folder</param>
    /// <param name="key">which network of a training's checkpoint; where nothing is said DINO's teacher, and of other methods what they evaluate</param>
    /// <exception cref="CheckpointException">One line: what is missing, damaged or unknown.</exception>
    public static WeightsFile Open(string path, string? key = null)
    {
        path = FileOf(path);
        try
        {
            return path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) ? OpenSafetensors(path, key) : OpenTorch(path, key);
        }
        catch (InvalidDataException cause)
        {
            throw new CheckpointException($"{path}: {cause.Message}", cause);
        }
    }

    private static string FileOf(string path)
    {
        if (!Directory.Exists(path))
        {
            return path;
        }

        string[] candidates =
        [
            System.IO.Path.Combine(path, "checkpoints", "best.pth"),
            System.IO.Path.Combine(path, "checkpoints", "latest.pth"),
            System.IO.Path.Combine(path, "model.safetensors"),
            System.IO.Path.Combine(path, "pytorch_model.bin"),
        ];
        return candidates.FirstOrDefault(File.Exists)
            ?? throw new CheckpointException($"{path}: no weights in this folder (neither checkpoints/latest.pth nor model.safetensors)");
    }

    private static WeightsFile OpenSafetensors(string path, string? key)
    {
        RequireNoKey(path, key);
        var arrays = SafetensorsFile.Read(path, out var metadata);
        int? heads = metadata.TryGetValue(WeightsWriter.HeadCountName, out string? text) &&
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) ? count : null;
        return new WeightsFile(path, WeightsLayout.Backbone, arrays, heads);
    }

    private static WeightsFile OpenTorch(string path, string? key)
    {
        if (TorchFile.Read(path) is not OrderedDictionary<object, object?> root)
        {
            throw new CheckpointException($"{path}: holds no dictionary of tensors");
        }

        var arguments = root.TryGetValue("args", out object? args) && args is PickledNamespace space ? space.Values : [];
        int? heads = arguments.TryGetValue(WeightsWriter.HeadCountName, out object? value) && value is long count and > 0 and <= int.MaxValue
            ? (int)count
            : null;
        string? container = Containers.FirstOrDefault(root.ContainsKey), usual = UsualNetwork(root);
        if (container is not null || usual is null)
        {
            container = key ?? container;
            var state = container is null ? root : Section(path, root, container);
            return new WeightsFile(path, WeightsLayout.Backbone, Arrays(path, state), heads)
            {
                Network = container,
                Arguments = arguments,
            };
        }

        string network = key ?? usual;
        return new WeightsFile(path, WeightsLayout.Training, Arrays(path, Section(path, root, network)), heads)
        {
            Networks = [.. NetworksOf(root)],
            Network = network,
            Epoch = root.TryGetValue("epoch", out object? epoch) ? epoch as long? : null,
            Arguments = arguments,
        };
    }

    /// <summary>The network to use of a training's checkpoint; null if it is none.</summary>
    private static string? UsualNetwork(OrderedDictionary<object, object?> root) =>
        root.ContainsKey("student") || root.ContainsKey(DefaultKey) ? DefaultKey :
        root.TryGetValue(OwnKey, out object? own) && own is OrderedDictionary<object, object?> values &&
            values.TryGetValue(NetworkName, out object? name) ? name as string : null;

    private static IEnumerable<string> NetworksOf(OrderedDictionary<object, object?> root) => root
        .Where(e => e.Key is string && e.Value is OrderedDictionary<object, object?> section &&
            section.Keys.OfType<string>().Any(IsFirstOfBackbone))
        .Select(e => (string)e.Key);

    private static OrderedDictionary<object, object?> Section(string path, OrderedDictionary<object, object?> root, string key) =>
        root.TryGetValue(key, out object? section) && section is OrderedDictionary<object, object?> found
            ? found
            : throw new CheckpointException($"{path}: no network '{key}' inside; " +
                (NetworksOf(root).Any()
                    ? $"there are {string.Join(", ", NetworksOf(root))}"
                    : "it holds but one: leave out the checkpoint key"));

    private static NamedArrays Arrays(string path, OrderedDictionary<object, object?> section)
    {
        var arrays = new NamedArrays();
        foreach (var (name, value) in section)
        {
            arrays.Add(
                name as string ?? throw new CheckpointException($"{path}: an entry has no text for a name"),
                value as ArrayData ?? throw new CheckpointException($"{path}: '{name}' is not a tensor, so this is not a network's state"));
        }

        return arrays;
    }

    private static void RequireNoKey(string path, string? key)
    {
        if (key is not null)
        {
            throw new CheckpointException($"{path}: a safetensors file holds one network: leave out the checkpoint key '{key}'");
        }
    }

    /// <summary>Deals the tensors out to backbone, head and rest.</summary>
    private void Sort(NamedArrays arrays, Func<string, bool> isBackbone)
    {
        bool wrapped = arrays.Names.Any(n => Unwrapped(n) != n && IsFirstOfBackbone(n));
        foreach (var (name, array) in arrays)
        {
            string bare = Unwrapped(name);
            if (bare.StartsWith("head.mlp.", StringComparison.Ordinal) || bare.StartsWith("head.last_layer.", StringComparison.Ordinal))
            {
                Head.Add(bare["head.".Length..], array);
            }
            else if (isBackbone(bare))
            {
                Backbone.Add(wrapped ? bare : name, array);
            }
            else
            {
                _ignored.Add(name);
            }
        }
    }

    /// <summary>Whether the tensor belongs to the backbone, and not to a classifier on it.</summary>
    private static bool IsBackbone(string name) =>
        !name.StartsWith("head.", StringComparison.Ordinal) && !name.StartsWith("fc.", StringComparison.Ordinal);

    /// <summary>Whether every backbone of this kind has a tensor of this name, whatever wraps it.</summary>
    private static bool IsFirstOfBackbone(string name) => Unwrapped(name) is "cls_token" or "conv1.weight";

    private static string Unwrapped(string name)
    {
        foreach (string wrapper in Wrappers)
        {
            name = name.StartsWith(wrapper, StringComparison.Ordinal) ? name[wrapper.Length..] : name;
        }

        return name;
    }
}
