using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using DinoSharp.Checkpoints;
using DinoSharp.Data;
using DinoSharp.Evaluation.Classification;
using DinoSharp.Models;
using DinoSharp.Models.Weights;

namespace DinoSharp.Cli.Commands;

/// <summary>dino predict: what a trained classifier says of images.</summary>
internal sealed class PredictCommand
{
    private readonly Option<string[]> _data = OptionFactory.Several<string>("--data", DataHelp.Unlabelled, "--data-path");
    private readonly Option<string?> _split = OptionFactory.Text("--split", DataHelp.Split);
    private readonly Option<string?> _linear = OptionFactory.Text(
        "--linear", "the classifier of a linear evaluation, ours or the reference's, on the backbone of --weights");
    private readonly Option<string?> _out = OptionFactory.Text("--out", "file.csv for the predictions, with the probability of each class");
    private readonly WeightsOptions _weights = new();
    private readonly LoadingOptions _loading = new();

    public static Command Create()
    {
        var predict = new PredictCommand();
        var command = new Command("predict", "say of images which class they are of, by a trained classifier");
        Option[] own = [predict._data, predict._split, predict._linear, predict._out];
        foreach (var option in own.Concat(predict._weights.All).Concat(predict._loading.All))
        {
            command.Options.Add(option);
        }

        command.SetAction(predict.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        string[] data = parsed.GetValue(_data) is { Length: > 0 } paths
            ? paths
            : throw new RequestException("--data is missing: name a folder or archive of images");
        string path = parsed.GetValue(_out) ?? throw new RequestException("--out is missing: name a .csv file for the predictions");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var loading = _loading.Loader(parsed);
        var device = GlobalOptions.DeviceOf(parsed);
        using var source = ImageSources.OpenAll(data, weights: null, parsed.GetValue(_split));
        Wording.TellNotices(terminal, source);
        using var classifier = Open(parsed, terminal).To(device);
        var view = classifier.ImageSize is { } side ? _loading.View(parsed, side) : _loading.View(parsed, classifier.Backbone);
        var loader = new EvaluationLoader(source, view, loading.WithChannels(classifier.Backbone.InputChannels));
        var normalization = PixelNormalization.For(classifier.Backbone.InputChannels);
        var matching = MatchingOf(source, classifier, terminal);
        using var progress = new ImageProgress(terminal, "predict", source.Count);
        var score = PredictionCsv.Write(
            path,
            loader,
            classifier.Classes,
            matching,
            pixels =>
            {
                using var images = normalization.Apply(pixels, device); // [B, C, H, W]
                return classifier.Logits(images);
            },
            progress.Show);
        progress.Finish();

        if (score is not null)
        {
            terminal.Table(["", "top-1 %", "top-5 %"], [["by the images' own labels", Percent(score.Top1), Percent(score.Top5)]]);
        }

        Wording.TellFaults(terminal, loader.Faults.Faults, source.Count, "have no line");
        terminal.Line($"{path}: {Wording.Number(source.Count - loader.Faults.Count)} predictions of {classifier.Classes.Count} classes");
        terminal.Result(new JsonObject
        {
            ["out"] = Path.GetFullPath(path),
            ["images"] = source.Count - loader.Faults.Count,
            ["classes"] = classifier.Classes.Count,
            ["top1"] = score?.Top1,
            ["top5"] = score?.Top5,
            ["skipped"] = new JsonArray([.. loader.Faults.Faults.Select(f => new JsonObject { ["name"] = f.Name, ["reason"] = f.Reason })]),
        });
        return 0;
    }

    private ImageClassifier Open(ParseResult parsed, Terminal terminal)
    {
        if (parsed.GetValue(_linear) is { } linear)
        {
            var weights = LinearWeights.Read(linear);
            return ImageClassifier.Of(_weights.Load(parsed, TorchSharp.torch.CPU, terminal), weights);
        }

        return ImageClassifier.Open(_weights.File(parsed), _weights.Heads(parsed));
    }

    /// <summary>Which of the classifier's outputs the images' labels are; null where they have none, or other ones.</summary>
    private static ClassMatching? MatchingOf(IImageSource source, ImageClassifier classifier, Terminal terminal)
    {
        if (source.Classes.Count == 0)
        {
            return null;
        }

        try
        {
            return ClassMatching.Of(source, classifier.Classes, classifier.HasClassNames);
        }
        catch (Evaluation.EvaluationException other)
        {
            terminal.Line($"no score: {other.Message}"); // folders need not be classes: predictions are what was asked for
            return null;
        }
    }

    private static string Percent(double value) => value.ToString("F2", CultureInfo.InvariantCulture);
}
