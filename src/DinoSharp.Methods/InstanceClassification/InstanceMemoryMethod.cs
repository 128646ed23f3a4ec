using DinoSharp.Cuda;
using DinoSharp.Distributed;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.InstanceClassification;

/// <summary>
/// Non-parametric instance discrimination (arXiv 1805.01978): in place of a classifier's weights, a memory holds what the network said of
/// each image when it saw it last. The softmax over it is taken whole, or estimated from a few entries drawn: then the memory grows with the
/// images, and a step does not.
/// </summary>
public sealed class InstanceMemoryMethod : TrainingMethod
{
    private readonly InstanceMemoryOptions _options;
    private readonly BatchShare _share;
    private readonly MultiCropEncoder _network;
    private readonly Tensor _memory; // unit vectors [N, D]
    private readonly Tensor _normalizer; // Z, 0 until the first step has estimated it // [1]
    private readonly LossAndSpread _metrics;
    private Seen? _seen;

    /// <exception cref="ArgumentException">There is more than one view of an image, and one entry of it in the memory; or more images than can be saved.</exception>
    public InstanceMemoryMethod(InstanceMemoryOptions options, MethodSetup setup)
    {
        if (setup.Views.GlobalCount + setup.Views.LocalCount != 1)
        {
            throw new ArgumentException(
                $"this method learns from one view of an image, not {setup.Views.GlobalCount + setup.Views.LocalCount}: " +
                "leave out --local-crops-number");
        }

        ImageRows.CheckRoom(setup.Images, options.ProjectionDim);
        (_options, _share) = (options, setup.Share);
        _network = setup.CreateEncoder(trained: true, options.Head);
        using (var scope = NewDisposeScope())
        {
            // Drawn on the CPU, so that a run starts alike on every device.
            _memory = nn.functional.normalize(randn(setup.Images, options.ProjectionDim), dim: 1).to(setup.Device).DetachFromDisposeScope();
            _normalizer = zeros(1, device: setup.Device).DetachFromDisposeScope();
        }

        State = [StateSection.Of("model", _network), new StateSection("memory", "", [("entries", _memory), ("normalizer", _normalizer)])];
        _metrics = new LossAndSpread(setup.Device);
    }

    public override nn.Module Trained => _network;

    public override Backbone Backbone => _network.Backbone;

    public override IReadOnlyList<StateSection> State { get; }

    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        var outputs = nn.functional.normalize(_network.Forward(batch.Crops), dim: 1); // [B, D]
        var numbers = tensor([.. batch.Images], ScalarType.Int64).Bring(_memory.device); // [B]
        var (loss, normalizer) = _options.Negatives == 0
            ? (MemorySoftmax.Loss(outputs, _memory, numbers, _options.Temperature), _normalizer.alias())
            : Estimated(outputs, numbers);
        if (_options.ProximalWeight > 0)
        {
            loss += (outputs - _memory.index_select(0, numbers)).square().sum([1L]).mean() * _options.ProximalWeight; // section 3.3
        }

        _metrics.Add(loss, outputs);
        Forget();
        _seen = new Seen(
            _share.Whole(numbers).DetachFromDisposeScope(),
            _share.Whole(outputs.detach()).DetachFromDisposeScope(),
            normalizer.DetachFromDisposeScope());
        return loss.MoveToOuterDisposeScope();
    }

    /// <summary>The images' entries move towards what was said of them, and back onto the sphere.</summary>
    public override void AfterOptimizerStep(TrainingStep step)
    {
        using var noGradients = no_grad();
        using (var scope = NewDisposeScope())
        {
            var (numbers, outputs, normalizer) = _seen!;
            var moved = _memory.index_select(0, numbers) * _options.MemoryMomentum + outputs * (1 - _options.MemoryMomentum);
            _memory.index_copy_(0, numbers, nn.functional.normalize(moved, dim: 1));
            _normalizer.copy_(normalizer);
        }

        Forget();
    }

    public override IReadOnlyList<(string Name, double Value)> TakeMetrics() => _metrics.Take();

    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        OutputSpread.IsCollapsed(metrics, step) ? "collapse: the network says the same of every image. Lower --lr, or compare with more images by --negatives" : null;

    public override void AbandonStep()
    {
        Forget();
        _metrics.Forget();
    }

    public override void Dispose()
    {
        Forget();
        _network.Dispose();
        _memory.Dispose();
        _normalizer.Dispose();
        _metrics.Dispose();
    }

    /// <summary>The loss by entries drawn, and the Z it stands on: the first step's estimate.</summary>
    private (Tensor Loss, Tensor Normalizer) Estimated(Tensor outputs, Tensor numbers)
    {
        using var scope = NewDisposeScope();
        long images = _memory.size(0), count = outputs.size(0);
        var own = _memory.index_select(0, numbers); // [B, D]
        var numbersDrawn = _share.Draw(count, rows => randint(0, images, [rows, _options.Negatives], ScalarType.Int64, _memory.device)); // [B, m]
        var drawn = _memory.index_select(0, numbersDrawn.flatten()).view(count, _options.Negatives, -1); // [B, m, D]
        Tensor normalizer;
        using (no_grad())
        {
            var estimate = NceLoss.Normalizer(outputs, drawn, images, _options.Temperature);
            _share.Group.Sum(estimate);
            normalizer = where(_normalizer.eq(0), estimate / _share.Group.Size, _normalizer);
        }

        return (NceLoss.Of(outputs, own, drawn, normalizer, images, _options.Temperature).MoveToOuterDisposeScope(), normalizer.MoveToOuterDisposeScope());
    }

    private void Forget()
    {
        _seen?.Dispose();
        _seen = null;
    }

    /// <summary>What the step under way will leave in the memory.</summary>
    private sealed record Seen(Tensor Numbers, Tensor Outputs, Tensor Normalizer) : IDisposable
    {
        public void Dispose()
        {
            Numbers.Dispose();
            Outputs.Dispose();
            Normalizer.Dispose();
        }
    }
}
