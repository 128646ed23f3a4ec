using DinoSharp.Models.Backbones;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Tests;

/// <summary>The smallest method that learns something: features to zero. It notes what the trainer calls, and fails when told to.</summary>
internal sealed class TinyMethod : TrainingMethod
{
    private readonly VisionTransformer _backbone;
    private readonly Parameter _first;
    private double _lossSum;
    private int _losses;

    public TinyMethod()
    {
        manual_seed(3);
        _backbone = new VisionTransformer(new() { PatchSize = 2, EmbedDim = 4, Depth = 1, Heads = 1, ImageSize = 4 });
        _first = _backbone.parameters().First();
        State = [StateSection.Of("student", _backbone)];
    }

    public List<string> Calls { get; } = [];

    /// <summary>Step whose loss is not a number.</summary>
    public long? BadLoss { get; init; }

    /// <summary>Step whose loss is finite and whose gradient is not.</summary>
    public long? BadGradient { get; init; }

    /// <summary>By what the loss is multiplied.</summary>
    public double LossFactor { get; init; } = 1;

    public string? Diagnosis { get; set; }

    public override nn.Module Trained => _backbone;

    public override Backbone Backbone => _backbone;

    public override IReadOnlyList<StateSection> State { get; }

    public Parameter[] Parameters => [.. _backbone.parameters()];

    /// <summary>Noise that depends on epoch and batch alone.</summary>
    public static Tensor[] Crops(int epoch, int batch)
    {
        using var generator = new Generator((ulong)(100 * epoch + batch));
        return [rand([4, 3, 4, 4], generator: generator)];
    }

    public override void BeginEpoch(int epoch, IEnumerable<TrainingBatch> batches) => Calls.Add($"epoch {epoch}");

    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        Calls.Add($"loss {step.Index}");
        using var scope = NewDisposeScope();
        var loss = _backbone.forward(batch.Crops[0]).square().mean() * LossFactor;
        if (step.Index == BadLoss)
        {
            loss = loss * double.NaN;
        }
        else if (step.Index == BadGradient)
        {
            loss = loss + (_first.sum() * 0).sqrt(); // the square root is infinitely steep at 0
        }

        _lossSum += loss.item<float>();
        _losses++;
        return loss.MoveToOuterDisposeScope();
    }

    public override void BeforeOptimizerStep(TrainingStep step) => Calls.Add($"before {step.Index}");

    public override void AfterOptimizerStep(TrainingStep step) => Calls.Add($"after {step.Index}");

    public override void AbandonStep() => Calls.Add("abandon");

    public override IReadOnlyList<(string Name, double Value)> TakeMetrics()
    {
        double mean = _lossSum / _losses;
        (_lossSum, _losses) = (0, 0);
        return [("loss", mean)];
    }

    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) => Diagnosis;

    public override void Dispose() => _backbone.Dispose();
}
