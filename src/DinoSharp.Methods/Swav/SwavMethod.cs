using DinoSharp.Distributed;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;
using LinearLayer = TorchSharp.Modules.Linear;

namespace DinoSharp.Methods.Swav;

/// <summary>
/// Swapped assignments between views (arXiv 2006.09882): each global crop of an image is assigned to prototypes, so that a batch uses all
/// of them equally, and every other crop of the image predicts its assignment.
/// </summary>
public sealed class SwavMethod : TrainingMethod
{
    private const string InformationName = "assignment_information";

    private readonly SwavOptions _options;
    private readonly BatchShare _share;
    private readonly int _assigned;
    private readonly int _batchSize;
    private readonly MultiCropEncoder _encoder;
    private readonly LinearLayer _prototypes;
    private readonly FeatureRing? _queue;
    private readonly MeanLoss _loss;
    private readonly OutputInformation _information;

    /// <exception cref="ArgumentException">There are too few crops, or the queue is smaller than a batch.</exception>
    public SwavMethod(SwavOptions options, MethodSetup setup)
    {
        (_options, _share, _assigned, _batchSize) = (options, setup.Share, setup.Views.GlobalCount, setup.Training.BatchSize);
        if (_assigned + setup.Views.LocalCount < 2)
        {
            throw new ArgumentException("a crop's assignment is predicted from other crops of its image: 1 crop an image is too few");
        }

        if (options.FeatureQueue > 0 && options.FeatureQueue < _batchSize)
        {
            throw new ArgumentException(
                $"--feature-queue {options.FeatureQueue} does not hold a batch of {_batchSize} images: raise it, or give 0 for none");
        }

        _encoder = setup.CreateEncoder(trained: true, options.Head);
        _prototypes = nn.Linear(options.ProjectionDim, options.Prototypes, hasBias: false);
        _prototypes.to(setup.Device);
        NormalizePrototypes();
        Trained = new TrainedParts(("encoder", _encoder), ("prototypes", _prototypes));
        State = [StateSection.Of("encoder", _encoder), StateSection.Of("prototypes", _prototypes)];
        if (options.FeatureQueue > 0)
        {
            _queue = new FeatureRing(zeros(options.FeatureQueue, _assigned, options.ProjectionDim, device: setup.Device));
            State = [.. State, new("queue", "", [("projections", _queue.Values)])];
        }

        _loss = new MeanLoss(1, setup.Device);
        _information = new OutputInformation(options.Prototypes, setup.Device);
    }

    public override nn.Module Trained { get; }

    public override Backbone Backbone => _encoder.Backbone;

    public override IReadOnlyList<StateSection> State { get; }

    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        var projections = nn.functional.normalize(_encoder.Forward(batch.Crops), dim: 1); // [V B, P]
        long images = batch.Images.Count;
        var scores = _prototypes.forward(projections).view(-1, images, _options.Prototypes); // [V, B, K]
        // All processes' samples are assigned together.
        var all = _share.Whole(scores.narrow(0, 0, _assigned).flatten(0, 1)).view(_assigned, -1, _options.Prototypes); // [A, N, K]
        var codes = _share.Own(Assign(all, step).flatten(0, 1)).view(_assigned, images, -1); // [A, B, K]
        var loss = SwavLoss.Of(scores, codes, _options.PrototypeTemperature);
        if (_queue is not null && QueuedBefore(step) >= 0)
        {
            var whole = _share.Whole(projections.narrow(0, 0, _assigned * images)).view(_assigned, -1, _options.ProjectionDim); // [A, N, P]
            _queue.Hold(whole.transpose(0, 1));
        }

        _loss.Add(loss.detach());
        _information.Add(codes.flatten(0, 1));
        return loss.MoveToOuterDisposeScope();
    }

    public override void BeforeOptimizerStep(TrainingStep step)
    {
        if (Frozen(step))
        {
            _prototypes.weight!.grad = null;
        }
    }

    public override void AfterOptimizerStep(TrainingStep step)
    {
        if (!Frozen(step))
        {
            NormalizePrototypes();
        }

        _queue?.Commit(QueuedBefore(step));
    }

    /// <returns>the loss, at most ln K; mean entropy of the assignments, and their information of the image, in nats</returns>
    public override IReadOnlyList<(string Name, double Value)> TakeMetrics()
    {
        var (entropy, information) = _information.Take();
        return [("loss", _loss.Take()[0]), ("assignment_entropy", entropy), (InformationName, information)];
    }

    /// <summary>Equal use of the prototypes allows one collapse only: every image is assigned to all of them alike (the code's notes).</summary>
    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        step.Epoch > _options.FreezePrototypesEpochs
        && OutputInformation.IsCollapsed(metrics.First(m => m.Name == InformationName).Value, step)
            ? "collapse: every image is assigned to all prototypes alike. " + (_options.Prototypes <= _options.ProjectionDim
                ? "Raise --prototypes well above --projection-dim: with fewer, one projection is alike to all of them"
                : "Lower --sinkhorn-epsilon (to 0.03), lower --lr, or raise --freeze-prototypes-epochs") : null;

    public override void AbandonStep()
    {
        _queue?.Forget();
        _loss.Forget();
        _information.Forget();
    }

    public override void Dispose()
    {
        Trained.Dispose();
        _queue?.Dispose();
        _loss.Dispose();
        _information.Dispose();
    }

    private bool Frozen(TrainingStep step) => step.Epoch < _options.FreezePrototypesEpochs;

    /// <summary>Projections of a crop put into the queue before a step; below 0 before its first epoch.</summary>
    private long QueuedBefore(TrainingStep step) =>
        (step.Index - (long)_options.FeatureQueueEpoch * step.Plan.StepsPerEpoch) * _batchSize;

    /// <summary>Each assigned crop by itself; with the queue's projections of the same crop, once there are enough to fill it.</summary>
    /// <param name="scores">// [A, N, K]</param>
    /// <returns>// [A, N, K]</returns>
    private Tensor Assign(Tensor scores, TrainingStep step)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        var earlier = _queue is not null && QueuedBefore(step) >= _options.FeatureQueue
            ? _prototypes.forward(_queue.Values) // [Q, A, K]
            : null;
        var codes = Enumerable.Range(0, _assigned).Select(crop =>
        {
            var batch = scores[crop];
            var all = earlier is null ? batch : cat([batch, earlier.select(1, crop)]); // [N + Q, K]
            return Sinkhorn.Codes(all, _options.SinkhornEpsilon, _options.SinkhornIterations).narrow(0, 0, batch.size(0));
        }).ToArray();
        return stack(codes).MoveToOuterDisposeScope();
    }

    private void NormalizePrototypes()
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        _prototypes.weight!.copy_(nn.functional.normalize(_prototypes.weight!, dim: 1));
    }
}
