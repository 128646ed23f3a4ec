using System.Globalization;
using System.Text.Json;

namespace DinoSharp.Checkpoints;

/// <summary>Writes a backbone in the layouts that other programs read.</summary>
public static class WeightsWriter
{
    /// <summary>Under which the number of attention heads stands in files of ours: the arguments of a training, the metadata of safetensors.</summary>
    public const string HeadCountName = "num_heads";

    /// <summary>
    /// Writes by the path's ending: .pth a plain state_dict, .safetensors the same names with the shape in the metadata, and a folder
    /// (no ending) the layout of Hugging Face.
    /// </summary>
    /// <param name="path">where to</param>
    /// <param name="backbone">under the reference's or torchvision's names</param>
    /// <param name="shape">of the network</param>
    /// <exception cref="CheckpointException">One line: an unknown ending, a ResNet for Hugging Face, or a place that cannot be written.</exception>
    public static void Write(string path, NamedArrays backbone, BackboneShape shape)
    {
        switch (Path.GetExtension(path).ToLowerInvariant())
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
                Directory.CreateDirectory(path);
                SafetensorsFile.Write(
                    Path.Combine(path, "model.safetensors"), HuggingFaceLayout.FromReference(backbone), new Dictionary<string, string> { ["format"] = "pt" });
                var config = HuggingFaceLayout.Config(transformer);
                AtomicFile.Write(Path.Combine(path, "config.json"), stream => JsonSerializer.Serialize(stream, config));
                break;
            case "":
                throw new CheckpointException($"{path}: the Hugging Face layout is for Vision Transformers; name a .pth or .safetensors file");
            case var ending:
                throw new CheckpointException($"{path}: unknown ending '{ending}': use .pth, .safetensors, or a folder for Hugging Face");
        }
    }
}
