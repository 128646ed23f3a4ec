using System.CommandLine;
using DinoSharp.Checkpoints;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using TorchSharp;
using static DinoSharp.Cli.Commands.OptionFactory;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Commands;

/// <summary>The options of verbs that use a trained backbone: which file, and what of it.</summary>
internal sealed class WeightsOptions
{
    private const int FrameChannels = 3;

    private readonly Option<string?> _weights = Text(
        "--weights",
        "the backbone: a .pth or .safetensors file, a Hugging Face folder or a run folder",
        "--pretrained-weights");
    private readonly Option<string?> _key = Text(
        "--checkpoint-key", "which network of a training's checkpoint: teacher (by default) or student");
    private readonly Option<int?> _heads = Maybe<int>(
        "--num-heads", "attention heads, where the file does not say and they are not 64 wide");
    private readonly Option<bool> _partial = Flag("--partial", "takes what fits of a file that does not fit as a whole");

    // The reference's scripts have to be told what the file says; who says it here too must be right.
    private readonly Option<string?> _arch = Hidden(Text("--arch", "the network's name"));
    private readonly Option<int?> _patchSize = Hidden(Maybe<int>("--patch-size", "side of the network's patches in pixels"));

    /// <summary>All options, in the order of the help.</summary>
    public IEnumerable<Option> All => [_weights, _key, _heads, _partial, _arch, _patchSize];

    /// <summary>Whether a command line names weights.</summary>
    public bool Given(ParseResult parsed) => parsed.GetValue(_weights) is not null;

    /// <summary>The file that a command line names.</summary>
    /// <exception cref="RequestException">It names none.</exception>
    public string PathOf(ParseResult parsed) => parsed.GetValue(_weights)
        ?? throw new RequestException("--weights is missing: name a .pth or .safetensors file, a Hugging Face folder or a run folder");

    /// <summary>The file that a command line names, opened.</summary>
    /// <exception cref="RequestException">It names none.</exception>
    /// <exception cref="CheckpointException">The file is missing, damaged or of another kind.</exception>
    public WeightsFile File(ParseResult parsed) => WeightsFile.Open(PathOf(parsed), parsed.GetValue(_key));

    /// <summary>Attention heads, where the command line says them.</summary>
    public int? Heads(ParseResult parsed) => parsed.GetValue(_heads);

    /// <summary>The backbone that a command line asks for, in evaluation mode on a device. Tells what became of its tensors.</summary>
    /// <exception cref="RequestException">No weights are named, or they are not of the network that is asked for.</exception>
    /// <exception cref="CheckpointException">The file is missing, damaged or of another kind.</exception>
    public Backbone Load(ParseResult parsed, Device device, Terminal terminal)
    {
        string path = PathOf(parsed);
        var (backbone, report) = Pretrained.Load(path, parsed.GetValue(_key), parsed.GetValue(_heads), parsed.GetValue(_partial));
        if (Contradiction(parsed, backbone) is { } fault)
        {
            backbone.Dispose();
            throw new RequestException($"{path}: {fault}");
        }

        backbone.to(device);
        terminal.Line(report.ToString());
        return backbone;
    }

    /// <summary>The same for verbs that need a Vision Transformer.</summary>
    /// <param name="parsed">the command line</param>
    /// <param name="terminal">told what became of the tensors</param>
    /// <param name="lacking">what other networks do not have, in words</param>
    /// <exception cref="RequestException">No weights are named, or they are of another network.</exception>
    /// <exception cref="CheckpointException">The file is missing, damaged or of another kind.</exception>
    public VisionTransformer LoadTransformer(ParseResult parsed, Terminal terminal, string lacking)
    {
        var backbone = Load(parsed, GlobalOptions.DeviceOf(parsed), terminal);
        if (backbone is VisionTransformer network)
        {
            return network;
        }

        backbone.Dispose();
        throw new RequestException($"{PathOf(parsed)}: its network has no {lacking}; give the weights of a Vision Transformer");
    }

    /// <summary>The same for verbs whose images are frames of videos.</summary>
    public VisionTransformer LoadVideoTransformer(ParseResult parsed, Terminal terminal, string lacking)
    {
        var network = LoadTransformer(parsed, terminal, lacking);
        int channels = network.InputChannels;
        if (channels == FrameChannels)
        {
            return network;
        }

        network.Dispose();
        throw new RequestException($"{PathOf(parsed)}: the network takes {channels} channels; frames of videos have {FrameChannels}");
    }

    /// <summary>What of the request does not fit the network; null if all does.</summary>
    private string? Contradiction(ParseResult parsed, Backbone backbone)
    {
        string? arch = parsed.GetValue(_arch) is { } name ? BackboneCatalogue.NameOf(name) : null;
        int? patchSize = parsed.GetValue(_patchSize);
        int? patches = (backbone as VisionTransformer)?.Options.PatchSize ?? (backbone as Xcit)?.Options.PatchSize;
        bool other = arch is not null && !BackboneCatalogue.IsNamed(backbone, arch);
        return other ? $"its network is no {arch}; leave out --arch, the file says what it is"
            : patchSize is not null && patches is not null && patches != patchSize
                ? $"its network has patches of {patches} pixels, not {patchSize}; leave out --patch-size, the file says it"
                : null;
    }

    private static T Hidden<T>(T option)
        where T : Option
    {
        option.Hidden = true;
        return option;
    }
}
