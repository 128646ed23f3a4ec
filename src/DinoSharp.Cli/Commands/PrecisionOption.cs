using System.CommandLine;
using DinoSharp.Cli.Training;
using DinoSharp.Models.Layers;
using DinoSharp.Training.Runs;
using static TorchSharp.torch;

namespace DinoSharp.Cli.Commands;

/// <summary>What a training multiplies in: as asked, as its run began, or what its device does well.</summary>
internal sealed class PrecisionOption
{
    private readonly Option<PrecisionChoice> _precision = OptionFactory.Choice(
        "--precision",
        "what the backbone multiplies in; auto: bf16 where the device gains by it, else float32; a run keeps what it began with",
        PrecisionChoice.Auto,
        ("auto", PrecisionChoice.Auto), ("float32", PrecisionChoice.Float32), ("bf16", PrecisionChoice.Bf16), ("fp16", PrecisionChoice.Fp16));

    private readonly Option<bool> _useFp16 = OptionFactory.Flag(
        "--use-fp16", "the reference's name: false is --precision float32, true is --precision auto", initial: true);

    private enum PrecisionChoice
    {
        Auto,
        Float32,
        Bf16,
        Fp16,
    }

    public Option Option => _precision;

    /// <summary>The reference's option, for its command lines.</summary>
    public Option Reference => _useFp16;

    /// <summary>The precision that a command line names; null for none.</summary>
    public Precision? Named(ParseResult parsed) => parsed.GetValue(_precision) switch
    {
        PrecisionChoice.Float32 => Precision.Float32,
        PrecisionChoice.Bf16 => Precision.Bf16,
        PrecisionChoice.Fp16 => Precision.Fp16,
        _ => parsed.IsGiven(_precision) || parsed.GetValue(_useFp16) ? null : Precision.Float32,
    };

    /// <summary>The precision to train in and, where it was not named, a line that says why.</summary>
    /// <param name="parsed">the command line</param>
    /// <param name="request">where the run is, which may have begun, and on which device it goes on</param>
    /// <exception cref="RunFolderException">The run's settings cannot be read.</exception>
    public (Precision Precision, string? Reason) Choose(ParseResult parsed, RunRequest request)
    {
        if (Named(parsed) is { } named)
        {
            return (named, null);
        }

        // Another machine may do another one well: a run that began keeps its own. Float32 stands in no run's settings.
        var (precision, reason) = RunFolder.SettingsOf(request.Out) is { } earlier
            ? (Enum.Parse<Precision>(earlier["training.precision"]?.GetValue<string>() ?? nameof(Precision.Float32), ignoreCase: true), "as the run began")
            : PrecisionSupport.Best(request.Device);
        return (precision, $"{_precision.Name} {precision.ToString().ToLowerInvariant()}: {reason}");
    }
}
