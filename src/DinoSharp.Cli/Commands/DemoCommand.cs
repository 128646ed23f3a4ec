using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Cli.Demo;
using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Evaluation.Features;
using DinoSharp.Evaluation.Knn;
using DinoSharp.Evaluation.Report;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Weights;
using DinoSharp.Training.Runs;
using TorchSharp;

namespace DinoSharp.Cli.Commands;

/// <summary>dino demo: trains on the photographs that come with the program, and measures what was learned.</summary>
internal sealed class DemoCommand
{
    /// <summary>Side at which whole photographs are shown for the attention maps, in pixels.</summary>
    private const int PhotoSide = 256;

    private static readonly KnnOptions Knn = new() { Ks = [20] };

    private readonly Option<string> _out = OptionFactory.Value("--out", "folder for all that the demo makes", "dino-demo");

    public static Command Create()
    {
        var demo = new DemoCommand();
        const string description = "the whole tour in a few minutes: train on the photographs that come with it, measure, and report";
        var command = new Command("demo", description) { demo._out };
        command.SetAction(demo.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        string folder = parsed.GetValue(_out)!;
        var device = GlobalOptions.DeviceOf(parsed);
        using var photos = ImageSources.Open(Path.Combine(AppContext.BaseDirectory, "samples", "photos"));
        string patches = Path.GetFullPath(Path.Combine(folder, "patches"));
        PatchSet.Cut(photos, patches);
        using var sets = HeldOut.Open(patches);
        terminal.Line(string.Create(CultureInfo.InvariantCulture,
            $"{photos.Count} photographs, cut into {sets.Train.Count} patches to train on without labels, and {sets.Test.Count} to test with"));

        var settings = DemoSettings.For(patches);
        string run = Path.Combine(folder, "run");
        using var signals = new StopSignals();
        var request = new RunRequest { Out = run, Device = device, Recording = new RecordingOptions { KeepEveryEpochs = 0 } };
        var outcome = Pretraining.Start(settings, request, terminal, signals.Token);
        if (!outcome.Finished)
        {
            terminal.Line($"stopped and saved in {run}; the same command goes on from here");
            return StopSignals.ExitCode;
        }

        var loading = new LoaderOptions();
        var (learned, _) = Pretrained.Load(run);
        using (learned)
        {
            learned.to(device);
            var scores = Scores(settings, learned, sets, loading, device);
            string report = Path.Combine(folder, "report.html");
            var (patchView, photoView) = (settings.EvaluationRecipe, new EvaluationRecipe(PhotoSide, PhotoSide));
            new RunReport("DINO on patches of twelve photographs", learned, loading)
                .Write(report, outcome.Folder.MetricsFile, scores, (sets.Test, patchView), (photos, photoView));
            terminal.Table(
                ["k-NN (k = 20) by", "top-1"],
                scores.Select(s => new[] { s.Name, string.Create(CultureInfo.InvariantCulture, $"{s.Value:F1} %") }));
            terminal.Line($"curves, neighbours and attention maps: {report}");
            terminal.Result(new JsonObject
            {
                ["report"] = Path.GetFullPath(report),
                ["knn_top1"] = new JsonObject(scores.Select(s => KeyValuePair.Create(s.Name, (JsonNode?)s.Value))),
            });
        }

        return 0;
    }

    /// <summary>k-NN of the learned features and of the two baselines that they have to beat.</summary>
    private static KeyFigure[] Scores(TrainSettings settings, Backbone learned, HeldOut sets, LoaderOptions loading, torch.Device device)
    {
        // The run's own starting point: the same seed gives the same network.
        torch.manual_seed(settings.Training.Seed);
        using var untrained = settings.CreateBackbone(trained: true);
        untrained.to(device);
        var (rawTrain, rawTest) = RawPixels.Tables(Loader(sets.Train), Loader(sets.Test));
        return
        [
            Figure("learned features", Features(learned, sets.Train), Features(learned, sets.Test)),
            Figure("untrained network", Features(untrained, sets.Train), Features(untrained, sets.Test)),
            Figure("raw pixels", rawTrain, rawTest),
        ];

        EvaluationLoader Loader(IImageSource source) => new(source, settings.EvaluationRecipe, loading);
        FeatureTable Features(Backbone backbone, IImageSource source) => FeatureExtractor.Table(backbone, Loader(source));
        KeyFigure Figure(string name, FeatureTable train, FeatureTable test) =>
            new(name, KnnEvaluation.Score(train, test, Knn, device)[0].Top1, "%", 100);
    }
}
