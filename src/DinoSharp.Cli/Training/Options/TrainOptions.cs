using System.CommandLine;
using System.Globalization;
using DinoSharp.Cli.Commands;
using DinoSharp.Data;
using DinoSharp.Methods;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Training;

/// <summary>
/// The options of "dino train" that decide what is computed. Names are the reference's where it has them. What a command line does not
/// name is chosen to fit the images, or with --published as the method's authors have it.
/// </summary>
internal sealed class TrainOptions
{
    /// <summary>Passes over the data where nobody asks for another number.</summary>
    private const int UsualEpochs = 100;

    private readonly MethodChoice _choice;
    private readonly MethodSettings _published;

    // data
    private readonly Option<string[]> _data = Several<string>("--data", DataHelp.Unlabelled, "--data-path");
    private readonly Option<double[]> _dataWeights = Several<double>(
        "--data-weights", "of several --data, how often each is shown in relation to the others; by default each image once");
    private readonly Option<string?> _split = Text("--split", DataHelp.Split);
    private readonly Option<bool> _leaveTestOut = Flag(
        "--leave-test-out", "of labelled images without splits, leaves out every fifth, on which dino knn and others test");
    private readonly Option<int> _channels = Value(
        "--channels", "channels an image is decoded to: 1 for grey, 3, 4, or as many as .npy files have", 3);
    private readonly Option<int> _shuffleBuffer = Value(
        "--shuffle-buffer", "images of streamed data (shards, Parquet) from which the next is drawn", new LoaderOptions().ShuffleBuffer);
    private readonly DecodingOptions _decoding = new();

    // network
    private readonly Option<string> _arch = Value(
        "--arch", $"network: {string.Join(", ", BackboneCatalogue.Names)}", MethodChoice.UsualArch, "-a");
    private readonly Option<int?> _patchSize = Maybe<int>(
        "--patch-size", "side of a transformer's patch in pixels; by default 16, less for small images, or what the name says");
    private readonly Option<int?> _embedDim = Maybe<int>("--embed-dim", "length of a token, instead of the named network's");
    private readonly Option<int?> _depth = Maybe<int>("--depth", "number of blocks, instead of the named network's");
    private readonly Option<int?> _heads = Maybe<int>("--num-heads", "attention heads, instead of the named network's");
    private readonly Option<int?> _width = Maybe<int>("--resnet-width", "channels of a ResNet after its stem, instead of the named network's");
    private readonly Option<bool> _smallStem = Flag("--small-stem", "a ResNet's stem for images of icon size, such as 32 pixels");
    private readonly Option<bool> _zeroInitResidual;
    private readonly Option<double> _dropPath;

    // method
    private readonly Option<string> _method = Value(
        "--method", $"how to learn: {string.Join(", ", MethodCatalogue.All.Select(m => m.Name))}; --method NAME --help tells its options",
        MethodChoice.UsualMethod);
    private readonly Option<bool> _asPublished = Flag(
        "--published", "what is not named is as published, for ImageNet; else it is chosen to fit the images, and told");
    private readonly MethodSettingOptions _settings;
    private readonly OptimizationOptions _optimization;
    private readonly ViewOptions _views;

    public TrainOptions(MethodChoice choice)
    {
        _choice = choice;
        _published = choice.Definition.Published(choice.Transformer);
        _dropPath = Value("--drop-path-rate", "stochastic depth of the transformer that trains", choice.Definition.DropPathRate);
        _zeroInitResidual = Value(
            "--zero-init-residual", "whether a ResNet's blocks begin by changing nothing", choice.Definition.ZeroInitResidual);
        _settings = MethodSettingOptions.Of(_published.Method);
        _optimization = new OptimizationOptions(_published.Training);
        _views = new ViewOptions(_published.Views);
        _dataWeights.HelpName = "X ...";
    }

    public Option Data => _data;

    /// <summary>What a newcomer sets, after the data.</summary>
    public Option[] MostUsed => [_method, _arch, _patchSize, .. _optimization.MostUsed, _asPublished];

    public Option[] Images => [_split, _leaveTestOut, _dataWeights, _channels, .. _decoding.All, _shuffleBuffer];

    public Option[] Network => [_embedDim, _depth, _heads, _dropPath, _width, _smallStem, _zeroInitResidual];

    public Option[] Method => [.. _settings.All];

    public Option[] Optimization => _optimization.All;

    public PrecisionOption Precision => _optimization.Precision;

    public Option[] Views => _views.All;

    /// <summary>The title of the method.</summary>
    public string Title => _choice.Definition.Title;

    /// <summary>Whether what is not named is to be as published.</summary>
    public bool AsPublished(ParseResult parsed) => parsed.GetValue(_asPublished);

    /// <summary>Whether the batch is to be one that fits into memory.</summary>
    public bool FitsBatch(ParseResult parsed) => _optimization.FitsBatch(parsed);

    /// <summary>Which images a command line trains on.</summary>
    /// <exception cref="RequestException">They are missing, or an option of theirs makes no sense.</exception>
    public DataSettings ReadData(ParseResult parsed)
    {
        string[] paths = parsed.GetValue(_data) ?? [];
        double[] weights = parsed.GetValue(_dataWeights) ?? [];
        return paths.Length == 0 ? throw new RequestException("--data is missing: name a folder or archive of images")
            : weights.Length > 0 && weights.Length != paths.Length
                ? throw new RequestException($"--data-weights has {weights.Length} numbers for the {paths.Length} of --data: give one each")
            : weights.Any(weight => !(weight > 0 && double.IsFinite(weight)))
                ? throw new RequestException("--data-weights are positive numbers")
            : parsed.GetValue(_leaveTestOut) && (paths.Length > 1 || parsed.GetValue(_split) is not null)
                ? throw new RequestException("--leave-test-out goes with one --data and without --split")
            : parsed.GetValue(_channels) < 1 ? throw new RequestException("--channels is at least 1")
            : parsed.GetValue(_shuffleBuffer) < 1 ? throw new RequestException("--shuffle-buffer is at least 1")
            : new DataSettings
            {
                Paths = [.. paths.Select(Path.GetFullPath)],
                Weights = weights.Length > 0 ? weights : null,
                Split = parsed.GetValue(_split),
                LeavesTestOut = parsed.GetValue(_leaveTestOut),
                Channels = parsed.GetValue(_channels),
                ExifOrientation = _decoding.Orientation(parsed),
                Background = _decoding.Background(parsed),
                ShuffleBuffer = parsed.GetValue(_shuffleBuffer),
            };
    }

    /// <summary>The settings a command line asks for.</summary>
    /// <param name="parsed">the command line</param>
    /// <param name="facts">of the images, which the rest has to fit; null for settings as published</param>
    /// <param name="mostImages">the largest batch where none is named; null for no limit</param>
    /// <exception cref="RequestException">The data or a name is missing or unknown.</exception>
    public TrainSettings Read(ParseResult parsed, DataFacts? facts, int? mostImages = null)
    {
        string arch = BackboneCatalogue.NameOf(parsed.GetValue(_arch)!);
        var first = facts is null ? null : FirstSettings.For(_views.NamedSize(parsed) ?? facts.Side, facts.Images, _published.Views);
        List<string> reasons = [];
        var chosen = first is null
            ? _published with { Training = _published.Training with { BatchSize = AtMost(_published.Training.BatchSize) } }
            : Fitted(parsed, facts!, first, AtMost(first.BatchSize), reasons);
        var views = _views.Read(parsed, chosen.Views);
        return new TrainSettings
        {
            Data = ReadData(parsed),
            Arch = arch,
            Shape = BackboneCatalogue.IsTransformer(arch) ? ReadShape(parsed, arch, views.GlobalSize, first) : null,
            Xcit = BackboneCatalogue.IsXcit(arch) ? ReadXcit(parsed, arch) : null,
            ResNet = BackboneCatalogue.IsResNet(arch) ? ReadResNet(parsed, arch, first) : null,
            MethodName = _choice.Definition.Name,
            Method = _settings.Read(parsed, chosen.Method),
            Training = _optimization.Read(parsed, chosen.Training),
            Views = views,
            Reasons = [.. reasons.Where(reason => !IsNamed(parsed, reason))],
        };

        int AtMost(int batchSize) => Math.Min(batchSize, mostImages ?? int.MaxValue);
    }

    /// <summary>The settings that fit the images.</summary>
    private MethodSettings Fitted(ParseResult parsed, DataFacts facts, FirstSettings first, int chosenBatchSize, List<string> reasons)
    {
        var (training, views) = (_published.Training, _published.Views);
        var (epochs, batchSize) = _optimization.Extent(parsed, Math.Min(training.Epochs, UsualEpochs), chosenBatchSize);
        views = _views.Read(parsed, views with
        {
            GlobalSize = first.GlobalSize,
            LocalSize = _choice.Definition.LocalSize(first.GlobalSize) ?? first.LocalSize,
        });
        long steps = Math.Max((long)epochs * (facts.Images / Math.Max(batchSize, 1)), 1);
        string arch = BackboneCatalogue.NameOf(parsed.GetValue(_arch)!);
        Fitting fitting = new(new TrainingFacts(facts.Images, views.GlobalSize, batchSize, steps, _choice.Transformer)
        {
            BatchNorm = !BackboneCatalogue.IsTransformer(arch),
            Processes = Ranks.Group.Size,
            Optimizer = _optimization.NamedOptimizer(parsed),
        });
        string size = string.Create(CultureInfo.InvariantCulture, $"the images' shorter side is {facts.Side} pixels");
        fitting.Choose("--global-crops-size", _published.Views.GlobalSize, views.GlobalSize, size);
        fitting.Choose("--local-crops-size", _published.Views.LocalCount > 0 ? _published.Views.LocalSize : views.LocalSize, views.LocalSize, size);
        if (BackboneCatalogue.IsTransformer(arch))
        {
            fitting.Choose("--patch-size", new VisionTransformerOptions().PatchSize, first.PatchSize, size);
        }
        else if (BackboneCatalogue.IsResNet(arch) && first.SmallStem)
        {
            fitting.Choose("--small-stem", "false", "true", size);
        }

        fitting.Choose("--epochs", training.Epochs, epochs, "enough to begin with");
        fitting.Choose("--batch-size", training.BatchSize, batchSize, "what one machine computes well, and the images fill");
        var chosen = _choice.Definition.Fitted(
            _published with
            {
                Training = training with { Epochs = epochs, BatchSize = batchSize, WarmupEpochs = epochs == training.Epochs ? training.WarmupEpochs : null },
                Views = views,
            },
            fitting);
        reasons.AddRange(fitting.Reasons);
        return chosen;
    }

    /// <summary>Whether the option that a reason begins with was named after all.</summary>
    private bool IsNamed(ParseResult parsed, string reason)
    {
        string name = reason.Split(' ')[0];
        Option[] all = [.. MostUsed, .. Network, .. Method, .. Optimization, .. Views];
        return all.Any(option => option.Name == name && parsed.IsGiven(option));
    }

    private VisionTransformerOptions ReadShape(ParseResult parsed, string arch, int imageSize, FirstSettings? first)
    {
        var named = BackboneCatalogue.Transformer(arch);
        return named with
        {
            PatchSize = parsed.GetValue(_patchSize) ?? first?.PatchSize ?? named.PatchSize,
            ImageSize = imageSize,
            InputChannels = parsed.GetValue(_channels),
            EmbedDim = parsed.GetValue(_embedDim) ?? named.EmbedDim,
            Depth = parsed.GetValue(_depth) ?? named.Depth,
            Heads = parsed.GetValue(_heads) ?? named.Heads,
            DropPathRate = parsed.GetValue(_dropPath),
        };
    }

    private XcitOptions ReadXcit(ParseResult parsed, string arch)
    {
        var named = BackboneCatalogue.CrossCovariance(arch);
        return named with
        {
            PatchSize = parsed.GetValue(_patchSize) ?? named.PatchSize,
            InputChannels = parsed.GetValue(_channels),
            EmbedDim = parsed.GetValue(_embedDim) ?? named.EmbedDim,
            Depth = parsed.GetValue(_depth) ?? named.Depth,
            Heads = parsed.GetValue(_heads) ?? named.Heads,
            DropPathRate = parsed.GetValue(_dropPath),
        };
    }

    private ResNetOptions ReadResNet(ParseResult parsed, string arch, FirstSettings? first)
    {
        var named = BackboneCatalogue.Residual(arch);
        return named with
        {
            Width = parsed.GetValue(_width) ?? named.Width,
            ZeroInitResidual = parsed.GetValue(_zeroInitResidual),
            SmallStem = parsed.Or(_smallStem, first?.SmallStem ?? false),
            InputChannels = parsed.GetValue(_channels),
        };
    }
}
