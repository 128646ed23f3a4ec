using System.Globalization;
using System.Text.Json;

namespace DinoSharp.Checkpoints;

/// <summary>Writes a backbone in the layouts that other programs read.</summary>
public static class WeightsWriter
{
    /// <summary>
    /// Under which the number of attention heads stands in files of ours: the arguments of a training, the metadata of safetensors.
    /// </summary>
    public const string HeadCountName = "num_heads";

    /// <summary>
    /// Writes by the path's ending: .pth a plain state_dict, .safetensors the same names with the shape in the metadata, and a folder
    /// (no ending) the layout of Hugging Face.
    /// </summary>
    /// <param name="path">where to; a folder with a point in its name is told from a file by existing, or by a slash at the end</param>
    /// <param name="backbone">under the reference's or torchvision's names</param>
    /// <param name="shape">of the network</param>
    /// <exception cref="CheckpointException">One line: an unknown ending, a ResNet for Hugging Face, or no place to write to.</exception>
    public static void Write(string path, NamedArrays backbone, BackboneShape shape)
    {
        switch (EndingOf(path))
        {
            case ".pth" or ".pt":
                var state = new OrderedDictionary<object, object?>();
                foreach (var (name, array) in backbone)
                {
                    state.Add(name, array);
                }

                TorchFile.Write(path, state);
                break;
            case ".safetensors":
                SafetensorsFile.Write(path, backbone, shape is TransformerShape { Heads: var heads }
                    ? new Dictionary<string, string> { ["format"] = "pt", [HeadCountName] = heads.ToString(CultureInfo.InvariantCulture) }
                    : new Dictionary<string, string> { ["format"] = "pt" });
                break;
            case "" when shape is TransformerShape transformer:
                WriteHuggingFace(path, backbone, transformer);
                break;
            case "":
                throw new CheckpointException(
                    $"{path}: the Hugging Face layout is for Vision Transformers; name a .pth or .safetensors file");
            case var ending:
                throw new CheckpointException($"{path}: unknown ending '{ending}': use .pth, .safetensors, or a folder for Hugging Face");
        }
    }

    /// <summary>Whether the path says in which layout to write.</summary>
    public static bool CanWrite(string path) => EndingOf(path) is "" or ".pth" or ".pt" or ".safetensors";

    /// <summary>Whether a file at this path could not say how many attention heads there are, and no reader would guess it.</summary>
    public static bool LosesHeads(string path, BackboneShape shape) =>
        EndingOf(path) is ".pth" or ".pt" && shape is TransformerShape { Heads: var heads, EmbedDim: var dim } &&
            BackboneShape.UsualHeads(dim) != heads;

    /// <summary>Whether the path stands for a folder in the layout of Hugging Face.</summary>
    public static bool IsHuggingFace(string path) => EndingOf(path).Length == 0;

    private static string EndingOf(string path) => Directory.Exists(path) ? "" : Path.GetExtension(path).ToLowerInvariant();

    private static void WriteHuggingFace(string folder, NamedArrays backbone, TransformerShape shape)
    {
        NamedArrays theirs;
        try
        {
            theirs = HuggingFaceLayout.FromReference(backbone);
            Directory.CreateDirectory(folder);
        }
        catch (InvalidDataException cause)
        {
            throw new CheckpointException($"{folder}: cannot be in the layout of Hugging Face: {cause.Message}", cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{folder}: this folder cannot be made ({cause.Message.TrimEnd('.')})", cause);
        }

        SafetensorsFile.Write(Path.Combine(folder, "model.safetensors"), theirs, new Dictionary<string, string> { ["format"] = "pt" });
        var config = HuggingFaceLayout.Config(shape);
        AtomicFile.Write(Path.Combine(folder, "config.json"), stream => JsonSerializer.Serialize(stream, config));
    }
}
