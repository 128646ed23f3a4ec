using System.Text.Json.Serialization;
using DinoSharp.Models.Layers;
using DinoSharp.Training.Optimizers;

namespace DinoSharp.Training;

/// <summary>Settings of the training loop that every method shares; the defaults are the reference's.</summary>
public sealed record TrainingOptions
{
    public int Epochs { get; init; } = 100;

    /// <summary>Images an optimizer step sees.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Parts a batch is cut into, one after the other through the network, to save memory; the step is the same to rounding.</summary>
    public int AccumulationSteps { get; init; } = 1;

    public OptimizerKind Optimizer { get; init; } = OptimizerKind.AdamW;

    /// <summary>Peak learning rate for a batch of 256; scaled linearly with the batch size (arXiv 1706.02677).</summary>
    public double LearningRate { get; init; } = 5e-4;

    /// <summary>Learning rate the cosine goes to; not scaled.</summary>
    public double MinLearningRate { get; init; } = 1e-6;

    /// <summary>Epochs in which the learning rate rises from 0 in a straight line; null: 10, or a tenth of the training if that is less.</summary>
    public double? WarmupEpochs { get; init; }

    /// <summary>Whether the learning rate changes between epochs only, as in the linear evaluation, and not with every step.</summary>
    public bool RateStepsByEpoch { get; init; }

    public double WeightDecay { get; init; } = 0.04;

    /// <summary>Weight decay the cosine goes to.</summary>
    public double WeightDecayEnd { get; init; } = 0.4;

    /// <summary>Largest L2 norm of each parameter's gradient; 0 clips nothing.</summary>
    public double ClipGradient { get; init; } = 3.0;

    /// <summary>What the layers multiply in; parameters, optimizer and losses are float32 in each.</summary>
    /// <remarks>Single precision is not written, so that runs from before there was a choice are the same runs.</remarks>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public Precision Precision { get; init; }

    public long Seed { get; init; }

    /// <summary>Batch size the learning rate is stated for.</summary>
    private const double ReferenceBatchSize = 256;

    /// <summary>The peak learning rate after linear scaling.</summary>
    public double ScaledLearningRate => LearningRate * BatchSize / ReferenceBatchSize;

    /// <summary>The warm-up in epochs that applies.</summary>
    public double EffectiveWarmupEpochs => WarmupEpochs ?? Math.Min(10, Epochs / 10.0);

    /// <summary>Returns itself if the values make a training.</summary>
    /// <exception cref="ArgumentException">Says in one line which value does not.</exception>
    public TrainingOptions Validated()
    {
        string? fault =
            Epochs < 1 ? $"a training needs at least 1 epoch, not {Epochs}" :
            BatchSize < 1 ? $"a batch needs at least 1 image, not {BatchSize}" :
            AccumulationSteps < 1 || BatchSize % AccumulationSteps != 0
                ? $"a batch of {BatchSize} images cannot be cut into {AccumulationSteps} equal parts" :
            LearningRate < 0 || MinLearningRate < 0 || WeightDecay < 0 || WeightDecayEnd < 0 || ClipGradient < 0
                ? "learning rates, weight decays and the clipping limit cannot be negative" :
            EffectiveWarmupEpochs < 0 || EffectiveWarmupEpochs > Epochs
                ? $"a warm-up of {EffectiveWarmupEpochs} epochs does not fit into {Epochs} epochs" : null;
        return fault is null ? this : throw new ArgumentException(fault);
    }
}
