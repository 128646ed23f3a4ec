using System.CommandLine;
using DinoSharp.Cli.CopyDetection;
using DinoSharp.Data;
using DinoSharp.Evaluation.CopyDetection;
using DinoSharp.Models.Backbones;

namespace DinoSharp.Cli.Commands;

/// <summary>
/// dino copy-detection: how well altered images find their originals, on Copydays (arXiv 2104.14294, section 4.2.1); or with --out the
/// look-alikes among any images.
/// </summary>
internal sealed class CopyDetectionCommand
{
    private const int UsualBatch = 16;

    private readonly Option<string[]> _data = OptionFactory.Several<string>(
        "--data", "Copydays, the folder with original/ and strong/ in it; or with --out any images, in whatever \"dino train\" takes", "--data-path");
    private readonly Option<string?> _distractors = OptionFactory.Text(
        "--distractors-path", "images to search among besides the originals; published figures are with 10,000 of YFCC100M");
    private readonly Option<int?> _distractorCount = OptionFactory.Maybe<int>("--num-distractors", "takes only so many of them, the first by name");
    private readonly Option<string?> _whitening = OptionFactory.Text(
        "--whitening-path", "other images, more than a feature has values, that whitening is learned on; published: 20,000 of YFCC100M");
    private readonly Option<string?> _out = OptionFactory.Text(
        "--out", "groups look-alikes instead: folder for duplicates.html and duplicates.csv");
    private readonly Option<double> _threshold = OptionFactory.Value(
        "--threshold", "with --out: the least cosine of two images' features that makes them look-alikes", LookAlikes.UsualThreshold);
    private readonly Option<int?> _imageSize = OptionFactory.Maybe<int>(
        "--image-size",
        $"side of the square that whole images are made to; by default {CopyFeatureExtractor.PublishedSide} as published, with --out as the "
        + "network was trained",
        "--imsize");
    private readonly Option<int> _batchSize = OptionFactory.Value("--batch-size", "images at once", UsualBatch, "--batch-size-per-gpu");
    private readonly Option<int> _threads = OptionFactory.Value(
        "--threads", "threads that load images", Ranks.Group.Processors, "--num-workers");
    private readonly Option<double> _faultShare = OptionFactory.Value(
        "--fault-share", "part of the images that may be unusable; of Copydays none may", 0.05);
    private readonly DecodingOptions _decoding = new();
    private readonly CacheOptions _cache = new();
    private readonly WeightsOptions _weights = new();
    private readonly ResultOptions _results = new();

    public static Command Create()
    {
        var copies = new CopyDetectionCommand();
        var command = new Command("copy-detection", "find altered copies of images: scored on Copydays, or as groups of look-alikes");
        Option[] own =
        [
            copies._data, copies._distractors, copies._distractorCount, copies._whitening, copies._out, copies._threshold, copies._imageSize,
            copies._batchSize, copies._threads, copies._faultShare,
        ];
        foreach (var option in own.Concat(copies._decoding.All).Concat(copies._weights.All).Concat(copies._results.All).Concat(copies._cache.All))
        {
            command.Options.Add(option);
        }

        command.SetAction(copies.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var terminal = Terminal.Of(parsed);
        string[] data = parsed.GetValue(_data) is { Length: > 0 } paths
            ? paths
            : throw new RequestException("--data is missing: name the folder of Copydays, or with --out any images");
        string? folder = parsed.GetValue(_out);
        double threshold = parsed.GetValue(_threshold) is > -1 and <= 1 and var cosine
            ? cosine
            : throw new RequestException("--threshold is a cosine, above -1 and at most 1");
        if (folder is null && data.Length > 1)
        {
            throw new RequestException("--data is one folder, that of Copydays; give --out to group look-alikes of several sets of images");
        }

        if (folder is null)
        {
            parsed.Refuse("is for look-alikes: give --out too", [_threshold]);
        }

        if (folder is not null && parsed.GetValue(_distractors) is not null)
        {
            throw new RequestException("--distractors-path is for Copydays; look-alikes are grouped among the images of --data");
        }

        var loading = ReadLoading(parsed);
        string weights = _weights.PathOf(parsed);
        using var set = folder is null ? CopydaysSet.Open(data[0]) : null;
        using var allDistractors = parsed.GetValue(_distractors) is { } others ? ImageSources.Open(others) : null;
        using var distractors = First(parsed, allDistractors);
        using var images = folder is null ? null : ImageSources.OpenAll(data);
        using var other = parsed.GetValue(_whitening) is { } path ? ImageSources.Open(path) : null;
        var device = GlobalOptions.DeviceOf(parsed);
        using var backbone = _weights.Load(parsed, device, terminal);
        if (backbone is not VisionTransformer)
        {
            terminal.Line($"{(backbone is ResNet ? "a ResNet's feature is its mean over the image" : "an XCiT's feature is its class token")} alone: " +
                "what is published joins a Vision Transformer's class and patch tokens");
        }

        int side = SideOf(parsed, backbone, folder is null);
        string? cache = _cache.FolderOf(parsed, folder ?? _results.FolderOf(parsed, weights));
        loading = loading.WithChannels(backbone.InputChannels);
        CopyWork work = new(
            new CopyFeatureExtractor(backbone, side, loading, cache, Ranks.Group), new FeatureWork(terminal, cache), terminal, device);
        using var whitening = other is null ? null : work.LearnWhitening(other);
        terminal.Result(set is not null
            ? new CopydaysScores(work, whitening, set, distractors).Tell(
                (data[0], weights, side), backbone, record => _results.Keep(parsed, record, terminal))
            : new LookAlikes(work, whitening, threshold).Tell(images!, folder!, loading.Decoding));
        return 0;
    }

    private LoaderOptions ReadLoading(ParseResult parsed) =>
        parsed.GetValue(_batchSize) < 1 || parsed.GetValue(_threads) < 1
            ? throw new RequestException("--batch-size and --threads are at least 1")
            : new LoaderOptions
            {
                Decoding = _decoding.Read(parsed, channels: 3),
                BatchSize = parsed.GetValue(_batchSize),
                Threads = parsed.GetValue(_threads),
                FaultShareLimit = parsed.GetValue(_faultShare) is >= 0 and <= 1 and var share
                    ? share
                    : throw new RequestException("--fault-share is a part of the images, from 0 to 1"),
            };

    /// <summary>As many of the distractors as the command line wants.</summary>
    private SubsetSource? First(ParseResult parsed, IImageSource? distractors) => (distractors, parsed.GetValue(_distractorCount)) switch
    {
        (null, null) => null,
        (null, _) => throw new RequestException("--num-distractors needs --distractors-path"),
        (_, < 1) => throw new RequestException("--num-distractors is at least 1"),
        ({ } all, var most) => new SubsetSource(all, [.. Enumerable.Range(0, Math.Min(all.Count, most ?? all.Count))]),
    };

    private int SideOf(ParseResult parsed, Backbone backbone, bool published)
    {
        int trained = backbone switch
        {
            VisionTransformer transformer => transformer.Options.ImageSize,
            ResNet { Options.SmallStem: true } => 32,
            _ => 224,
        };
        int side = parsed.GetValue(_imageSize) ?? (published ? CopyFeatureExtractor.PublishedSide : trained);
        return side >= backbone.MinimumImageSide && side <= EvaluationRecipe.MaxSize
            ? side
            : throw new RequestException($"--image-size is from {backbone.MinimumImageSide} to {EvaluationRecipe.MaxSize} here, not {side}");
    }
}
