using DinoSharp.Cuda;
using DinoSharp.Models;
using DinoSharp.Models.Backbones;
using DinoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Methods.DeepCluster;

/// <summary>
/// DeepCluster-v2 (arXiv 2006.09882, appendix): before each epoch the projections of the last one are clustered, and in the epoch every
/// crop predicts its image's cluster. The centroids themselves classify.
/// </summary>
public sealed class DeepClusterMethod : TrainingMethod
{
    private const string InformationName = "prediction_information";

    private readonly DeepClusterOptions _options;
    private readonly MethodSetup _setup;
    private readonly int _remembered;
    private readonly MultiCropEncoder _encoder;
    private readonly FeatureRing _memory; // [N, A, P]
    private readonly FeatureRing _memoryImages; // int64 [N]
    private readonly Tensor _centroids; // [H, K, P]
    private readonly Tensor _targets; // int64 [H, images]
    private readonly MeanLoss _loss;
    private readonly OutputInformation _information;

    /// <exception cref="ArgumentException">An epoch has fewer images than there are clusters.</exception>
    public DeepClusterMethod(DeepClusterOptions options, MethodSetup setup)
    {
        (_options, _setup, _remembered) = (options, setup, setup.Views.GlobalCount);
        int seen = setup.Plan.StepsPerEpoch * setup.Training.BatchSize;
        if (seen < options.Prototypes)
        {
            throw new ArgumentException($"an epoch of {seen} images does not make {options.Prototypes} clusters: lower --prototypes");
        }

        _encoder = setup.CreateEncoder(trained: true, options.Head);
        var device = setup.Device;
        _memory = new FeatureRing(zeros(seen, _remembered, options.ProjectionDim, device: device));
        _memoryImages = new FeatureRing(zeros(seen, ScalarType.Int64, device));
        _centroids = zeros(options.Clusterings, options.Prototypes, options.ProjectionDim, device: device).DetachFromDisposeScope();
        _targets = full(options.Clusterings, setup.Images, DeepClusterLoss.Unknown, ScalarType.Int64, device).DetachFromDisposeScope();
        State =
        [
            StateSection.Of("encoder", _encoder),
            new("memory", "", [("projections", _memory.Values), ("images", _memoryImages.Values)]),
            new("clusters", "", [("centroids", _centroids), ("targets", _targets)]),
        ];
        _loss = new MeanLoss(1, device);
        _information = new OutputInformation(options.Prototypes, device);
    }

    public override nn.Module Trained => _encoder;

    public override Backbone Backbone => _encoder.Backbone;

    public override IReadOnlyList<StateSection> State { get; }

    /// <summary>Clusters what the last epoch remembered; before the first one, what a pass over its images gives.</summary>
    public override void BeginEpoch(int epoch, IEnumerable<TrainingBatch> batches)
    {
        // Steps are seeded by their number; epochs by what no step is.
        manual_seed(unchecked(_setup.Training.Seed * 0x5DEECE66DL - 1 - epoch));
        if (epoch == 0)
        {
            FillMemory(batches);
        }

        Cluster();
    }

    public override Tensor Loss(TrainingBatch batch, TrainingStep step)
    {
        using var scope = NewDisposeScope();
        long count = batch.Images.Count;
        var projections = Project(batch.Crops).view(-1, count, _options.ProjectionDim); // [V, B, P]
        var images = tensor(batch.Images.ToArray(), ScalarType.Int64).Bring(_setup.Device); // [B]
        var loss = DeepClusterLoss.Of(
            projections, _centroids, _targets.index_select(1, images), _options.PrototypeTemperature, _setup.Group);
        Remember(projections, images);
        _loss.Add(loss.detach());
        using (no_grad())
        {
            _information.Add((projections[0].mm(_centroids[0].t()) / _options.PrototypeTemperature).softmax(1));
        }

        return loss.MoveToOuterDisposeScope();
    }

    public override void AfterOptimizerStep(TrainingStep step) => Commit(step.Index);

    /// <returns>the loss; mean entropy of the first crop's predicted cluster, and its information of the image, in nats</returns>
    public override IReadOnlyList<(string Name, double Value)> TakeMetrics()
    {
        var (entropy, information) = _information.Take();
        return [("loss", _loss.Take()[0]), ("prediction_entropy", entropy), (InformationName, information)];
    }

    public override string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) =>
        OutputInformation.IsCollapsed(metrics.First(m => m.Name == InformationName).Value, step)
            ? "collapse: every image gets the same cluster. Lower --lr, or raise --prototypes" : null;

    public override void AbandonStep()
    {
        _memory.Forget();
        _memoryImages.Forget();
        _loss.Forget();
        _information.Forget();
    }

    public override void Dispose()
    {
        _encoder.Dispose();
        _memory.Dispose();
        _memoryImages.Dispose();
        _centroids.Dispose();
        _targets.Dispose();
        _loss.Dispose();
        _information.Dispose();
    }

    /// <returns>projections of length 1 // [V B, P]</returns>
    private Tensor Project(IReadOnlyList<Tensor> crops)
    {
        using var scope = NewDisposeScope();
        return nn.functional.normalize(_encoder.Forward(crops), dim: 1).MoveToOuterDisposeScope();
    }

    /// <param name="projections">of global crops, and perhaps more // [V, B, P]</param>
    /// <param name="images">// int64 [B]</param>
    private void Remember(Tensor projections, Tensor images)
    {
        using var scope = NewDisposeScope();
        var share = _setup.Share;
        _memory.Hold(share.Whole(projections.narrow(0, 0, _remembered).flatten(0, 1)).unflatten(0, _remembered, -1).transpose(0, 1)); // [N, A, P]
        _memoryImages.Hold(share.Whole(images));
    }

    private void Commit(long batch)
    {
        _memory.Commit(batch * _setup.Training.BatchSize);
        _memoryImages.Commit(batch * _setup.Training.BatchSize);
    }

    /// <summary>
    /// Without gradients, and else as in a step: batch norm takes the batch's statistics and adds them to its own, as in the code.
    /// </summary>
    private void FillMemory(IEnumerable<TrainingBatch> batches)
    {
        using var noGradients = no_grad();
        foreach (var (index, batch) in batches.Index())
        {
            using var scope = NewDisposeScope();
            // Global and local crops of one size come in one tensor, the global ones first.
            var crops = batch.Crops[0].narrow(0, 0, (long)_remembered * batch.Images.Count);
            var projections = Project([crops]).view(_remembered, batch.Images.Count, -1); // [A, B, P]
            Remember(projections, tensor(batch.Images.ToArray(), ScalarType.Int64, _setup.Device));
            Commit(index);
        }
    }

    /// <summary>The clusterings take turns in whose crop's projections they are made from.</summary>
    private void Cluster()
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        _targets.fill_(DeepClusterLoss.Unknown);
        for (int head = 0; head < _options.Clusterings; head++)
        {
            using var clustering = NewDisposeScope();
            var points = _memory.Values.select(1, head % _remembered); // [N, P]
            var (centroids, assignments) = SphericalKMeans.Fit(points, _options.Prototypes, _options.KmeansIterations);
            _centroids[head].copy_(centroids);
            _targets[head].index_copy_(0, _memoryImages.Values, assignments);
        }
    }
}
