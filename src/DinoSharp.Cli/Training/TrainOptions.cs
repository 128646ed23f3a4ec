using System.CommandLine;
using DinoSharp.Cli.Commands;
using DinoSharp.Data;
using DinoSharp.Methods.Dino;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Models.Heads;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Training;

/// <summary>The options of "dino train" that decide what is computed. Names and defaults are the reference's where it has them.</summary>
internal sealed class TrainOptions
{
    private static readonly MultiCropOptions Crops = new();

    // data
    private readonly Option<string[]> _data = Several<string>("--data", DataHelp.Unlabelled, "--data-path");
    private readonly Option<double[]> _dataWeights = Several<double>(
        "--data-weights", "of several --data, how often each is shown in relation to the others; by default each image once");
    private readonly Option<string?> _split = Text("--split", DataHelp.Split);
    private readonly Option<int> _channels = Value(
        "--channels", "channels an image is decoded to: 1 for grey, 3, 4, or as many as .npy files have", 3);
    private readonly Option<int> _shuffleBuffer = Value(
        "--shuffle-buffer", "images of streamed data (shards, Parquet) from which the next is drawn", new LoaderOptions().ShuffleBuffer);
    private readonly DecodingOptions _decoding = new();

    // network
    private readonly Option<string> _method = Value("--method", "how to learn: dino", "dino");
    private readonly Option<string> _arch = Value("--arch", $"network: {string.Join(", ", BackboneCatalogue.Names)}", "vit_small", "-a");
    private readonly Option<int?> _patchSize = Maybe<int>(
        "--patch-size", "side of a transformer's patch in pixels; by default 16 or what the name says");
    private readonly Option<int?> _embedDim = Maybe<int>("--embed-dim", "length of a token, instead of the named network's");
    private readonly Option<int?> _depth = Maybe<int>("--depth", "number of blocks, instead of the named network's");
    private readonly Option<int?> _heads = Maybe<int>("--num-heads", "attention heads, instead of the named network's");
    private readonly Option<int?> _width = Maybe<int>(
        "--resnet-width", "channels of a ResNet after its stem, instead of the named network's");
    private readonly Option<bool> _smallStem = Flag("--small-stem", "a ResNet's stem for images of icon size, such as 32 pixels");
    private readonly Option<double> _dropPath = Value("--drop-path-rate", "stochastic depth of the student", 0.1);

    // head and loss
    private readonly Option<int> _outDim = Value("--out-dim", "outputs K of the head", 65536);
    private readonly Option<int> _headLayers = Value("--head-layers", "linear layers of the head before the last", 3);
    private readonly Option<int> _headHidden = Value("--head-hidden-dim", "width of the head's hidden layers", 2048);
    private readonly Option<int> _headBottleneck = Value("--head-bottleneck-dim", "width of the head's bottleneck", 256);
    private readonly Option<bool> _normLast = Flag("--norm-last-layer", "whether the last layer's magnitudes stay at 1", true);
    private readonly Option<bool> _headBatchNorm = Flag("--use-bn-in-head", "whether the head has batch norm");
    private readonly Option<double> _studentTemp = Value("--student-temp", "temperature of the student", 0.1);
    private readonly Option<double> _warmupTeacherTemp = Value("--warmup-teacher-temp", "temperature of the teacher at the start", 0.04);
    private readonly Option<double> _teacherTemp = Value("--teacher-temp", "temperature of the teacher after its warm-up", 0.04);
    private readonly Option<int> _warmupTeacherTempEpochs = Value(
        "--warmup-teacher-temp-epochs", "epochs of the teacher temperature's warm-up", 0);
    private readonly Option<double> _momentumTeacher = Value(
        "--momentum-teacher", "momentum of the teacher's average at the start; it goes to 1", 0.996);
    private readonly Option<double> _centerMomentum = Value("--center-momentum", "momentum of the centre", 0.9);
    private readonly Option<bool> _centering = Flag("--centering", "whether the teacher's outputs are centred", true);
    private readonly Option<bool> _sharpening = Flag("--sharpening", "whether the teacher's temperature is below the student's", true);
    private readonly Option<StudentCrops> _studentCrops = Choice(
        "--student-crops", "what the student sees", StudentCrops.All, ("all", StudentCrops.All), ("local", StudentCrops.Local));
    private readonly Option<TeacherKind> _teacher = Choice(
        "--teacher",
        "what the teacher is",
        TeacherKind.Momentum,
        ("momentum", TeacherKind.Momentum),
        ("previous-epoch", TeacherKind.PreviousEpoch),
        ("previous-step", TeacherKind.PreviousStep),
        ("student", TeacherKind.Student));
    private readonly Option<int> _freezeLast = Value("--freeze-last-layer", "epochs in which the head's last layer does not move", 1);

    // optimization
    private readonly Option<OptimizerKind> _optimizer = Choice(
        "--optimizer",
        "optimizer",
        OptimizerKind.AdamW,
        ("adamw", OptimizerKind.AdamW), ("sgd", OptimizerKind.Sgd), ("lars", OptimizerKind.Lars));
    private readonly Option<int> _epochs = Value("--epochs", "passes over the data", 100);
    private readonly Option<int> _batchSize = Value("--batch-size", "images an optimizer step sees", 64, "--batch-size-per-gpu");
    private readonly Option<int> _accumulation = Value(
        "--accumulation-steps", "parts a batch is cut into to save memory; the result is the same", 1);
    private readonly Option<double> _lr = Value("--lr", "peak learning rate for a batch of 256; scaled with the batch size", 5e-4);
    private readonly Option<double> _minLr = Value("--min-lr", "learning rate at the end", 1e-6);
    private readonly Option<int?> _warmupEpochs = Maybe<int>(
        "--warmup-epochs", "epochs in which the learning rate rises; by default 10, or a tenth of the epochs if that is less");
    private readonly Option<double> _weightDecay = Value("--weight-decay", "weight decay at the start", 0.04);
    private readonly Option<double> _weightDecayEnd = Value("--weight-decay-end", "weight decay at the end", 0.4);
    private readonly Option<double> _clipGrad = Value("--clip-grad", "largest norm of each parameter's gradient; 0 for none", 3.0);
    private readonly Option<long> _seed = Value("--seed", "decides everything random", 0L);

    // crops
    private readonly Option<int> _globalSize = Value(
        "--global-crops-size", "side of the global crops in pixels", Crops.GlobalSize, "--image-size");
    private readonly Option<int> _localSize = Value("--local-crops-size", "side of the local crops in pixels", Crops.LocalSize);
    private readonly Option<Interval> _globalScale = Range(
        "--global-crops-scale", "part of the image's area in a global crop", Crops.GlobalScale);
    private readonly Option<Interval> _localScale = Range(
        "--local-crops-scale", "part of the image's area in a local crop", Crops.LocalScale);
    private readonly Option<Interval> _ratio = Range("--crops-ratio", "width over height of what a crop covers", Crops.Ratio);
    private readonly Option<int> _localCount = Value("--local-crops-number", "local crops an image", Crops.LocalCount);
    private readonly Option<double> _flip = Value("--flip-probability", "chance that a crop is mirrored", Crops.FlipProbability);
    private readonly Option<double> _jitter = Value("--jitter-probability", "chance that a crop's colours change", Crops.JitterProbability);
    private readonly Option<double> _brightness = Value("--brightness", "largest change of brightness", Crops.Brightness);
    private readonly Option<double> _contrast = Value("--contrast", "largest change of contrast", Crops.Contrast);
    private readonly Option<double> _saturation = Value("--saturation", "largest change of saturation", Crops.Saturation);
    private readonly Option<double> _hue = Value("--hue", "largest change of hue, as part of the circle", Crops.Hue);
    private readonly Option<double> _grayscale = Value(
        "--grayscale-probability", "chance that a crop loses its colours", Crops.GrayscaleProbability);
    private readonly Option<double> _blurFirst = Value(
        "--first-global-blur-probability", "chance that the first global crop is blurred", Crops.FirstGlobalBlurProbability);
    private readonly Option<double> _blurSecond = Value(
        "--second-global-blur-probability", "chance that the second global crop is blurred", Crops.SecondGlobalBlurProbability);
    private readonly Option<double> _blurLocal = Value(
        "--local-blur-probability", "chance that a local crop is blurred", Crops.LocalBlurProbability);
    private readonly Option<Interval> _blurRadius = Range("--blur-radius", "standard deviation of the blur in pixels", Crops.BlurRadius);
    private readonly Option<double> _solarize = Value(
        "--solarize-probability", "chance that the second global crop is solarised", Crops.SolarizeProbability);
    private readonly Option<bool> _exact = Flag(
        "--exact-views", "makes views of every pixel; else photographs that all crops shrink anyway are decoded at 1/2, 1/4 or 1/8");

    public TrainOptions() => _dataWeights.HelpName = "X ...";

    public Option Data => _data;

    /// <summary>What a newcomer sets, after the data.</summary>
    public Option[] MostUsed => [_arch, _patchSize, _epochs, _batchSize];

    public Option[] Images => [_split, _dataWeights, _channels, .. _decoding.All, _shuffleBuffer];

    public Option[] Network => [_embedDim, _depth, _heads, _dropPath, _width, _smallStem];

    public Option[] HeadAndLoss =>
    [
        _method, _outDim, _headLayers, _headHidden, _headBottleneck, _normLast, _headBatchNorm, _freezeLast, _studentTemp, _teacherTemp,
        _warmupTeacherTemp, _warmupTeacherTempEpochs, _momentumTeacher, _centerMomentum, _centering, _sharpening, _studentCrops, _teacher,
    ];

    public Option[] Optimization =>
        [_optimizer, _lr, _minLr, _warmupEpochs, _weightDecay, _weightDecayEnd, _clipGrad, _accumulation, _seed];

    public Option[] Views =>
    [
        _globalSize, _localSize, _localCount, _globalScale, _localScale, _ratio, _flip, _jitter, _brightness, _contrast, _saturation, _hue,
        _grayscale, _blurFirst, _blurSecond, _blurLocal, _blurRadius, _solarize, _exact,
    ];

    /// <summary>The settings a command line asks for.</summary>
    /// <exception cref="RequestException">The data or a name is missing or unknown.</exception>
    public TrainSettings Read(ParseResult parsed)
    {
        if (parsed.GetValue(_method) is var method && method != "dino")
        {
            throw new RequestException($"unknown method '{method}': there is dino");
        }

        string arch = BackboneCatalogue.NameOf(parsed.GetValue(_arch)!);
        return new TrainSettings
        {
            Data = ReadData(parsed),
            Arch = arch,
            Shape = BackboneCatalogue.IsTransformer(arch) ? ReadShape(parsed, arch) : null,
            Xcit = BackboneCatalogue.IsXcit(arch) ? ReadXcit(parsed, arch) : null,
            ResNet = BackboneCatalogue.IsResNet(arch) ? ReadResNet(parsed, arch) : null,
            Dino = ReadDino(parsed),
            Training = ReadTraining(parsed),
            Views = ReadViews(parsed),
        };
    }

    private DataSettings ReadData(ParseResult parsed)
    {
        string[] paths = parsed.GetValue(_data) ?? [];
        double[] weights = parsed.GetValue(_dataWeights) ?? [];
        return paths.Length == 0 ? throw new RequestException("--data is missing: name a folder or archive of images")
            : weights.Length > 0 && weights.Length != paths.Length
                ? throw new RequestException($"--data-weights has {weights.Length} numbers for the {paths.Length} of --data: give one each")
            : weights.Any(weight => !(weight > 0 && double.IsFinite(weight)))
                ? throw new RequestException("--data-weights are positive numbers")
            : parsed.GetValue(_channels) < 1 ? throw new RequestException("--channels is at least 1")
            : parsed.GetValue(_shuffleBuffer) < 1 ? throw new RequestException("--shuffle-buffer is at least 1")
            : new DataSettings
            {
                Paths = [.. paths.Select(Path.GetFullPath)],
                Weights = weights.Length > 0 ? weights : null,
                Split = parsed.GetValue(_split),
                Channels = parsed.GetValue(_channels),
                ExifOrientation = _decoding.Orientation(parsed),
                Background = _decoding.Background(parsed),
                ShuffleBuffer = parsed.GetValue(_shuffleBuffer),
            };
    }

    private VisionTransformerOptions ReadShape(ParseResult parsed, string arch)
    {
        var named = BackboneCatalogue.Transformer(arch);
        return named with
        {
            PatchSize = parsed.GetValue(_patchSize) ?? named.PatchSize,
            ImageSize = parsed.GetValue(_globalSize),
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

    private ResNetOptions ReadResNet(ParseResult parsed, string arch)
    {
        var named = BackboneCatalogue.Residual(arch);
        return named with
        {
            Width = parsed.GetValue(_width) ?? named.Width,
            SmallStem = parsed.GetValue(_smallStem),
            InputChannels = parsed.GetValue(_channels),
        };
    }

    private DinoOptions ReadDino(ParseResult parsed) => new()
    {
        Head = new DinoHeadOptions
        {
            OutputDim = parsed.GetValue(_outDim),
            Layers = parsed.GetValue(_headLayers),
            HiddenDim = parsed.GetValue(_headHidden),
            BottleneckDim = parsed.GetValue(_headBottleneck),
            FreezeMagnitude = parsed.GetValue(_normLast),
            BatchNorm = parsed.GetValue(_headBatchNorm),
        },
        StudentTemperature = parsed.GetValue(_studentTemp),
        WarmupTeacherTemperature = parsed.GetValue(_warmupTeacherTemp),
        TeacherTemperature = parsed.GetValue(_teacherTemp),
        WarmupTeacherTemperatureEpochs = parsed.GetValue(_warmupTeacherTempEpochs),
        TeacherMomentum = parsed.GetValue(_momentumTeacher),
        CenterMomentum = parsed.GetValue(_centerMomentum),
        Centering = parsed.GetValue(_centering),
        Sharpening = parsed.GetValue(_sharpening),
        StudentSees = parsed.GetValue(_studentCrops),
        Teacher = parsed.GetValue(_teacher),
        FreezeLastLayerEpochs = parsed.GetValue(_freezeLast),
    };

    private TrainingOptions ReadTraining(ParseResult parsed) => new()
    {
        Optimizer = parsed.GetValue(_optimizer),
        Epochs = parsed.GetValue(_epochs),
        BatchSize = parsed.GetValue(_batchSize),
        AccumulationSteps = parsed.GetValue(_accumulation),
        LearningRate = parsed.GetValue(_lr),
        MinLearningRate = parsed.GetValue(_minLr),
        WarmupEpochs = parsed.GetValue(_warmupEpochs),
        WeightDecay = parsed.GetValue(_weightDecay),
        WeightDecayEnd = parsed.GetValue(_weightDecayEnd),
        ClipGradient = parsed.GetValue(_clipGrad),
        Seed = parsed.GetValue(_seed),
    };

    private MultiCropOptions ReadViews(ParseResult parsed) => new()
    {
        GlobalSize = parsed.GetValue(_globalSize),
        LocalSize = parsed.GetValue(_localSize),
        LocalCount = parsed.GetValue(_localCount),
        GlobalScale = parsed.GetValue(_globalScale),
        LocalScale = parsed.GetValue(_localScale),
        Ratio = parsed.GetValue(_ratio),
        FlipProbability = parsed.GetValue(_flip),
        JitterProbability = parsed.GetValue(_jitter),
        Brightness = parsed.GetValue(_brightness),
        Contrast = parsed.GetValue(_contrast),
        Saturation = parsed.GetValue(_saturation),
        Hue = parsed.GetValue(_hue),
        GrayscaleProbability = parsed.GetValue(_grayscale),
        FirstGlobalBlurProbability = parsed.GetValue(_blurFirst),
        SecondGlobalBlurProbability = parsed.GetValue(_blurSecond),
        LocalBlurProbability = parsed.GetValue(_blurLocal),
        BlurRadius = parsed.GetValue(_blurRadius),
        SolarizeProbability = parsed.GetValue(_solarize),
        Exact = parsed.GetValue(_exact),
    };
}
