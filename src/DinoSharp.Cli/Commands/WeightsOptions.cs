using System.CommandLine;
using DinoSharp.Checkpoints;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using TorchSharp;
using static DinoSharp.Cli.Commands.OptionFactory;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Commands;

/// <summary>The options of verbs that use a trained backbone: which file, and what of it.</summary>
internal sealed class WeightsOptions
{
    private const int PictureChannels = 3;

    private readonly Option<string?> _weights = Text(
        "--weights",
        "the backbone: a .pth or .safetensors file, a Hugging Face folder or a run folder",
        "--pretrained-weights",
        "--pretrained_weights");
    private readonly Option<string?> _key = Text("--checkpoint-key", "which network of a training's checkpoint: teacher (by default) or student");
    private readonly Option<int?> _heads = Maybe<int>("--num-heads", "attention heads, where the file does not say and they are not 64 wide");
    private readonly Option<bool> _partial = Flag("--partial", "takes what fits of a file that does not fit as a whole");

    /// <summary>All options, in the order of the help.</summary>
    public IEnumerable<Option> All => [_weights, _key, _heads, _partial];

    /// <summary>Whether a command line names weights.</summary>
    public bool Given(ParseResult parsed) => parsed.GetValue(_weights) is not null;

    /// <summary>The file that a command line names.</summary>
    /// <exception cref="RequestException">It names none.</exception>
    public string PathOf(ParseResult parsed) => parsed.GetValue(_weights)
        ?? throw new RequestException("--weights is missing: name a .pth or .safetensors file, a Hugging Face folder or a run folder");

    /// <summary>The backbone that a command line asks for, in evaluation mode on a device; what became of the file's tensors is told.</summary>
    /// <exception cref="RequestException">No weights are named.</exception>
    /// <exception cref="CheckpointException">The file is missing, damaged or of another kind.</exception>
    public Backbone Load(ParseResult parsed, Device device, Terminal terminal)
    {
        string path = PathOf(parsed);
        var (backbone, report) = Pretrained.Load(path, parsed.GetValue(_key), parsed.GetValue(_heads), parsed.GetValue(_partial));
        if (backbone.InputChannels != PictureChannels)
        {
            backbone.Dispose();
            throw new CheckpointException($"{path}: its network takes images of {backbone.InputChannels} channels; pictures have {PictureChannels}");
        }

        backbone.to(device);
        terminal.Line(report.ToString());
        return backbone;
    }
}
