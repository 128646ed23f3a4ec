using System.CommandLine;
using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Training.Runs;
using TorchSharp;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Commands;

/// <summary>The options of verbs that train a classifier: how long, and where it is kept.</summary>
/// <param name="epochs">passes over the images, where nothing is said</param>
internal sealed class RunOptions(int epochs)
{
    private readonly Option<string?> _out = Text("--out", "run folder; a run of the same settings in it goes on", "--output-dir");
    private readonly Option<int> _epochs = Value("--epochs", "passes over the images", epochs);
    private readonly Option<int> _validateEvery = Value("--val-freq", "epochs between two tests during the training", 1);
    private readonly Option<int> _logEvery = Value("--log-every", "steps between two lines of metrics", 20);
    private readonly Option<double> _saveMinutes = Value("--save-minutes", "minutes between two saves of the newest state", 10.0);
    private readonly Option<long> _seed = Value("--seed", "decides everything random", 0L);

    /// <summary>All options, in the order of the help.</summary>
    public IEnumerable<Option> All => [_out, _epochs, _validateEvery, _logEvery, _saveMinutes, _seed];

    public int Epochs(ParseResult parsed) => parsed.GetValue(_epochs);

    public long Seed(ParseResult parsed) => parsed.GetValue(_seed);

    /// <summary>What a command line asks for beside what is computed.</summary>
    /// <exception cref="RequestException">Something needed is missing, or makes no sense.</exception>
    public RunRequest Request(ParseResult parsed, LoaderOptions loading, torch.Device device) => new()
    {
        Out = parsed.GetValue(_out) ?? throw new RequestException("--out is missing: name a folder for the run"),
        Device = device,
        Threads = loading.Threads,
        FaultShare = loading.FaultShareLimit,
        Recording = new RecordingOptions
        {
            LogEverySteps = parsed.GetValue(_logEvery),
            SaveEvery = Minutes(_saveMinutes, parsed.GetValue(_saveMinutes)),
            KeepEveryEpochs = 0,
            EvaluateEveryEpochs = parsed.GetValue(_validateEvery),
        },
    };
}
