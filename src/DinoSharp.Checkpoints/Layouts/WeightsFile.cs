namespace DinoSharp.Checkpoints;

/// <summary>
/// The networks of a file of weights under one set of names, whatever its layout: a backbone under the reference's or torchvision's names,
/// and a projection head where there is one.
/// </summary>
public sealed class WeightsFile
{
    /// <summary>The teacher is the network to use (section 5.2 of the paper); the student is there to go on with.</summary>
    private const string DefaultKey = "teacher";

    private static readonly string[] Wrappers = ["module.", "backbone."];

    /// <summary>torch.save({"state_dict": ...}) and {"model": ...} are common ways to keep one network.</summary>
    private static readonly string[] Containers = ["state_dict", "model"];

    private WeightsFile(string path, WeightsLayout layout) => (Path, Layout) = (path, layout);

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

    /// <summary>Attention heads, where the file says it; no tensor's shape tells.</summary>
    public int? HeadCount { get; private set; }

    private readonly List<string> _ignored = [];

    /// <summary>Opens a .pth or .safetensors file, a folder of Hugging Face, or a run folder (its best checkpoint, or else the latest).</summary>
    /// <param name="path">file or folder</param>
    /// <param name="key">which network of a training's checkpoint: teacher (where nothing is said) or student</param>
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
        ];
        return candidates.FirstOrDefault(File.Exists)
            ?? throw new CheckpointException($"{path}: no weights in this folder (neither checkpoints/latest.pth nor model.safetensors)");
    }

    private static WeightsFile OpenSafetensors(string path, string? key)
    {
        RequireNoKey(path, key);
        var arrays = SafetensorsFile.Read(path, out var metadata);
        int? heads = metadata.TryGetValue(WeightsWriter.HeadCountName, out string? text) && int.TryParse(text, out int count)
            ? count
            : HuggingFaceLayout.HeadsOf(path);
        return Sort(path, WeightsLayout.Backbone, arrays, heads);
    }

    private static WeightsFile OpenTorch(string path, string? key)
    {
        if (TorchFile.Read(path) is not OrderedDictionary<object, object?> root)
        {
            throw new CheckpointException($"{path}: holds no dictionary of tensors");
        }

        bool training = root.ContainsKey("student") || root.ContainsKey(DefaultKey);
        if (!training)
        {
            string? container = key ?? Containers.FirstOrDefault(root.ContainsKey);
            return Sort(path, WeightsLayout.Backbone, Arrays(path, container is null ? root : Section(path, root, container)), heads: null);
        }

        root.TryGetValue("args", out object? arguments);
        int? heads = arguments is PickledNamespace space && space.Values.TryGetValue(WeightsWriter.HeadCountName, out object? value) && value is long count
            ? (int)count
            : null;
        return Sort(path, WeightsLayout.Training, Arrays(path, Section(path, root, key ?? DefaultKey)), heads);
    }

    private static OrderedDictionary<object, object?> Section(string path, OrderedDictionary<object, object?> root, string key) =>
        root.TryGetValue(key, out object? section) && section is OrderedDictionary<object, object?> found
            ? found
            : throw new CheckpointException(
                $"{path}: no network '{key}' inside; there are {string.Join(", ", root.Where(e => e.Value is OrderedDictionary<object, object?>).Select(e => e.Key))}");

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

    private static WeightsFile Sort(string path, WeightsLayout layout, NamedArrays arrays, int? heads)
    {
        if (HuggingFaceLayout.Recognises(arrays.Names))
        {
            layout = WeightsLayout.HuggingFace;
            arrays = HuggingFaceLayout.ToReference(arrays, path);
        }

        var file = new WeightsFile(path, layout) { HeadCount = heads };
        bool wrapped = arrays.Names.Any(n => Unwrapped(n) != n && Unwrapped(n) is "cls_token" or "conv1.weight");
        foreach (var (name, array) in arrays)
        {
            string bare = Unwrapped(name);
            if (bare.StartsWith("head.mlp.", StringComparison.Ordinal) || bare.StartsWith("head.last_layer.", StringComparison.Ordinal))
            {
                file.Head.Add(bare["head.".Length..], array);
            }
            else if (bare.StartsWith("head.", StringComparison.Ordinal) || bare.StartsWith("fc.", StringComparison.Ordinal) ||
                bare.StartsWith(HuggingFaceLayout.LeftOver, StringComparison.Ordinal))
            {
                file._ignored.Add(name);
            }
            else
            {
                file.Backbone.Add(wrapped ? bare : name, array);
            }
        }

        return file.Backbone.Count > 0 ? file : throw new CheckpointException($"{path}: holds no tensors of a backbone");
    }

    private static string Unwrapped(string name)
    {
        foreach (string wrapper in Wrappers)
        {
            name = name.StartsWith(wrapper, StringComparison.Ordinal) ? name[wrapper.Length..] : name;
        }

        return name;
    }
}
