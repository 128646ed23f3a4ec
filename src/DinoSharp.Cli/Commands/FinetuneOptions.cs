using System.CommandLine;
using DinoSharp.Cli.Classification;
using DinoSharp.Cli.Training;
using DinoSharp.Data;
using DinoSharp.Methods.Supervised;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Commands;

/// <summary>The options that decide how a whole network is trained with labels.</summary>
/// <param name="run">how long, and by which random numbers</param>
internal sealed class FinetuneOptions(RunOptions run)
{
    private static readonly SupervisedOptions Published = new();

    private readonly Option<bool> _fromScratch = Flag(
        "--from-scratch", "takes only the network's shape from --weights and starts from new values: what pre-training has to beat");
    private readonly Option<OptimizerKind> _optimizer = Choice(
        "--optimizer", "optimizer", OptimizerKind.AdamW, ("adamw", OptimizerKind.AdamW), ("sgd", OptimizerKind.Sgd));
    private readonly Option<double> _lr = Value("--lr", "peak learning rate for a batch of 256; scaled with the batch size", 5e-4);
    private readonly Option<double> _minLr = Value("--min-lr", "learning rate at the end", 1e-6);
    private readonly Option<double?> _warmup = Maybe<double>(
        "--warmup-epochs", "epochs in which the learning rate rises; by default 10, or a tenth of the epochs if that is less");
    private readonly Option<double> _weightDecay = Value("--weight-decay", "weight decay", 0.05);
    private readonly Option<double> _clip = Value("--clip-grad", "largest norm of each parameter's gradient; 0 for none", 0.0);
    private readonly Option<int> _accumulation = Value(
        "--accumulation-steps", "parts a batch is cut into to save memory; the result is the same", 1);
    private readonly Option<bool> _checkpointActivations = OptimizationOptions.CheckpointActivations();
    private readonly Option<double?> _layerDecay = Maybe<double>(
        "--layer-decay", "factor of the learning rate from each layer to the one below; by default 0.75, or 1 from scratch");
    private readonly Option<double> _dropPath = Value("--drop-path-rate", "stochastic depth of a transformer", 0.1, "--drop-path");
    private readonly Option<double> _smoothing = Value(
        "--label-smoothing", "share of a target that is spread over all classes", Published.LabelSmoothing, "--smoothing");
    private readonly Option<double> _mixup = Value("--mixup", "alpha of mixup; 0 for none", Published.MixupAlpha);
    private readonly Option<double> _cutmix = Value("--cutmix", "alpha of CutMix; 0 for none", Published.CutMixAlpha);
    private readonly Option<double> _erase = Value("--erase-probability", "chance that a part of a view is erased", Published.EraseProbability, "--reprob");
    private readonly Option<double> _jitter = Value("--color-jitter", "largest change of brightness, contrast and saturation", 0.0);
    private readonly Option<Interval> _scale = OptionFactory.Range(
        "--crops-scale", "part of the image's area in a crop", new RandomCropOptions().Scale);
    private readonly Option<double> _average = Value(
        "--average-momentum", "momentum of a moving average of the weights, which is then used; 0 for none, DeiT's is 0.99996",
        Published.AverageMomentum, "--model-ema-decay");

    /// <summary>Whether the network starts from new values.</summary>
    public Option FromScratch => _fromScratch;

    public OptionGroup Optimization => new(
        "Optimization", _optimizer, _lr, _minLr, _warmup, _weightDecay, _layerDecay, _clip, _accumulation, _checkpointActivations, _average);

    public OptionGroup Regularization => new("Regularization", _dropPath, _smoothing, _mixup, _cutmix, _erase, _jitter, _scale);

    /// <summary>Whether activations are computed again in place of kept.</summary>
    public bool CheckpointsActivations(ParseResult parsed) => parsed.GetValue(_checkpointActivations);

    /// <summary>What a command line asks for.</summary>
    /// <param name="parsed">the command line</param>
    /// <param name="batchSize">images a step</param>
    /// <param name="side">of the views in pixels</param>
    /// <exception cref="ArgumentException">A value makes no sense.</exception>
    public FinetuneSettings Settings(ParseResult parsed, int batchSize, int side)
    {
        bool fromScratch = parsed.GetValue(_fromScratch);
        double weightDecay = parsed.GetValue(_weightDecay);
        var supervised = new SupervisedOptions
        {
            LabelSmoothing = parsed.GetValue(_smoothing),
            MixupAlpha = parsed.GetValue(_mixup),
            CutMixAlpha = parsed.GetValue(_cutmix),
            EraseProbability = parsed.GetValue(_erase),
            RandAugmentMagnitude = 0, // the crop's own
            LayerDecay = parsed.GetValue(_layerDecay) ?? (fromScratch ? 1 : 0.75),
            AverageMomentum = parsed.GetValue(_average),
            Seed = run.Seed(parsed),
        };
        supervised.Validate();
        return new FinetuneSettings
        {
            FromScratch = fromScratch,
            DropPathRate = parsed.GetValue(_dropPath),
            Supervised = supervised,
            Training = new TrainingOptions
            {
                Epochs = run.Epochs(parsed),
                BatchSize = batchSize,
                AccumulationSteps = parsed.GetValue(_accumulation),
                Optimizer = parsed.GetValue(_optimizer),
                LearningRate = parsed.GetValue(_lr),
                MinLearningRate = parsed.GetValue(_minLr),
                WarmupEpochs = parsed.GetValue(_warmup),
                WeightDecay = weightDecay,
                WeightDecayEnd = weightDecay,
                ClipGradient = parsed.GetValue(_clip),
                Seed = run.Seed(parsed),
            }.Validated(),
            Crop = new RandomCropOptions
            {
                Size = side,
                Scale = parsed.GetValue(_scale),
                Bicubic = true,
                ColorJitter = parsed.GetValue(_jitter),
            }.Validated(),
        };
    }
}
