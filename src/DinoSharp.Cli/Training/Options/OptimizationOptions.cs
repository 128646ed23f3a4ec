using System.CommandLine;
using System.Globalization;
using DinoSharp.Cli.Commands;
using DinoSharp.Training;
using DinoSharp.Training.Optimizers;
using static DinoSharp.Cli.Commands.OptionFactory;

namespace DinoSharp.Cli.Training;

/// <summary>How "dino train" moves the weights.</summary>
/// <param name="published">the method's; its values are the defaults that the help names</param>
internal sealed class OptimizationOptions(TrainingOptions published)
{
    /// <summary>The reference's name for the images that one process sees in a step.</summary>
    private const string PerProcess = "--batch-size-per-gpu";

    /// <summary>In place of a batch size: one that fits.</summary>
    private const int Auto = 0;

    private readonly Option<OptimizerKind> _optimizer = Choice(
        "--optimizer",
        "optimizer",
        published.Optimizer,
        ("adamw", OptimizerKind.AdamW), ("sgd", OptimizerKind.Sgd), ("lars", OptimizerKind.Lars));
    private readonly Option<int> _epochs = Value("--epochs", "passes over the data", published.Epochs);
    private readonly Option<int> _batchSize = BatchSizeOption(published.BatchSize);
    private readonly Option<int> _accumulation = Value(
        "--accumulation-steps", "parts a batch is cut into to save memory; the result is the same", 1);
    private readonly Option<double> _lr = Value(
        "--lr", "peak learning rate for a batch of 256; scaled with the batch size", published.LearningRate);
    private readonly Option<double> _minLr = Value("--min-lr", "learning rate at the end", published.MinLearningRate);
    private readonly Option<double?> _warmupEpochs = Maybe<double>(
        "--warmup-epochs", "epochs in which the learning rate rises; by default 10, or a tenth of the epochs if that is less");
    private readonly Option<double> _weightDecay = Value("--weight-decay", "weight decay at the start", published.WeightDecay);
    private readonly Option<double> _weightDecayEnd = Value("--weight-decay-end", "weight decay at the end", published.WeightDecayEnd);
    private readonly Option<double> _clipGrad = Value(
        "--clip-grad", "largest norm of each parameter's gradient; 0 for none", published.ClipGradient);
    private readonly PrecisionOption _precision = new();
    private readonly Option<long> _seed = Value("--seed", "decides everything random", 0L);

    /// <summary>What a newcomer sets.</summary>
    public Option[] MostUsed => [_epochs, _batchSize];

    public Option[] All =>
        [_optimizer, _lr, _minLr, _warmupEpochs, _weightDecay, _weightDecayEnd, _clipGrad, _accumulation, _precision.Option, _seed];

    public PrecisionOption Precision => _precision;

    /// <summary>The switch of every verb that trains a whole network; it changes nothing of what is computed.</summary>
    public static Option<bool> CheckpointActivations() => Flag(
        "--checkpoint-activations", "the backward pass computes the insides of blocks again: less memory, slower, the same result");

    /// <summary>Whether the batch is to be one that fits into memory.</summary>
    public bool FitsBatch(ParseResult parsed) => parsed.GetValue(_batchSize) == Auto;

    /// <summary>The optimizer, where it was asked for.</summary>
    public OptimizerKind? NamedOptimizer(ParseResult parsed) => parsed.IsGiven(_optimizer) ? parsed.GetValue(_optimizer) : null;

    /// <summary>The passes over the data, and the batch, that were asked for or else chosen.</summary>
    public (int Epochs, int BatchSize) Extent(ParseResult parsed, int chosenEpochs, int chosenBatchSize) =>
        (parsed.Or(_epochs, chosenEpochs), BatchSize(parsed, chosenBatchSize));

    /// <summary>The settings, with what the command line names in place of what was chosen for it.</summary>
    public TrainingOptions Read(ParseResult parsed, TrainingOptions chosen)
    {
        int epochs = parsed.Or(_epochs, chosen.Epochs);
        return chosen with
        {
            Optimizer = parsed.Or(_optimizer, chosen.Optimizer),
            Epochs = epochs,
            BatchSize = BatchSize(parsed, chosen.BatchSize),
            AccumulationSteps = parsed.Or(_accumulation, chosen.AccumulationSteps),
            LearningRate = parsed.Or(_lr, chosen.LearningRate),
            MinLearningRate = parsed.Or(_minLr, chosen.MinLearningRate),
            // A published warm-up is for the published number of epochs.
            WarmupEpochs = parsed.Or(_warmupEpochs, epochs == chosen.Epochs ? chosen.WarmupEpochs : null),
            WeightDecay = parsed.Or(_weightDecay, chosen.WeightDecay),
            WeightDecayEnd = parsed.Or(_weightDecayEnd, chosen.WeightDecayEnd),
            ClipGradient = parsed.Or(_clipGrad, chosen.ClipGradient),
            Precision = _precision.Named(parsed) ?? chosen.Precision, // what is not named depends on device and run
            Seed = parsed.GetValue(_seed),
        };
    }

    /// <summary>Of all processes together, by whichever name it was given.</summary>
    private int BatchSize(ParseResult parsed, int chosen) => FitsBatch(parsed)
        ? chosen
        : parsed.Or(_batchSize, chosen) * (parsed.GetResult(_batchSize)?.IdentifierToken?.Value == PerProcess ? Ranks.Group.Size : 1);

    private static Option<int> BatchSizeOption(int initial)
    {
        const string word = "auto";
        var option = Value("--batch-size", "images an optimizer step sees, of all processes together; auto: as many as are useful and fit into memory", initial, PerProcess);
        option.HelpName = $"N|{word}";
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (text.Equals(word, StringComparison.OrdinalIgnoreCase))
            {
                return Auto;
            }

            if (!int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int size) || size == Auto)
            {
                result.AddError($"--batch-size is a number of images from 1 on, or {word}, not '{text}'");
            }

            return size;
        };
        return option;
    }
}
