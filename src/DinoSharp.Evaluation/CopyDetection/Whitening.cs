using DinoSharp.Evaluation.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace DinoSharp.Evaluation.CopyDetection;

/// <summary>
/// PCA whitening as the reference's copy detection does it: directions and scales are those of the second moment of the training
/// features as they are, while what it is applied to is centred by their mean.
/// </summary>
public sealed class Whitening : IDisposable
{
    /// <summary>Eigenvalues below this part of the largest are raised to it.</summary>
    private const double LeastShare = 1e-5;

    private readonly Tensor _mean; // [F]
    private readonly Tensor _matrix; // [F, K]

    private Whitening(Tensor mean, Tensor matrix) => (_mean, _matrix) = (mean, matrix);

    /// <summary>Length K of the features it gives.</summary>
    public long OutputDim => _matrix.size(1);

    /// <summary>Learns from features; more of them than they have dimensions are needed for all directions to be known.</summary>
    /// <param name="training">not of length 1 // float32 [N, F]</param>
    /// <param name="dim">directions K to keep, the strongest; all if not given</param>
    /// <param name="power">what a direction is divided by, as a power of its eigenvalue: 0.5 makes all equally strong, 0 is plain PCA</param>
    /// <exception cref="EvaluationException">There is no feature, or one is not finite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The dimension or the power makes no sense.</exception>
    public static Whitening Learn(Tensor training, int? dim = null, double power = 0.5)
    {
        ArgumentNullException.ThrowIfNull(training);
        ArgumentOutOfRangeException.ThrowIfNegative(power);
        long kept = dim ?? training.size(1);
        ArgumentOutOfRangeException.ThrowIfLessThan(kept, 1, nameof(dim));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(kept, training.size(1), nameof(dim));
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        if (training.size(0) == 0 || !training.isfinite().all().item<bool>())
        {
            throw new EvaluationException("whitening needs features that are finite numbers; give other images or weights");
        }

        // In double: the smallest eigenvalues are the ones that are blown up most.
        var rows = training.cpu().to(ScalarType.Float64); // [N, F]
        var (values, vectors) = linalg.eigh(rows.t().matmul(rows).div_(rows.size(0))); // ascending; [F], [F, F] in columns
        values = values.clamp_min(values.max().item<double>() * LeastShare).flip(0).narrow(0, 0, kept);
        var matrix = vectors.flip(1).narrow(1, 0, kept).div(values.pow(power)); // [F, K]
        return new Whitening(
            training.mean([0]).DetachFromDisposeScope(),
            matrix.to(ScalarType.Float32).to(training.device).contiguous().DetachFromDisposeScope());
    }

    /// <summary>Learns on the first of several processes, from features that they share; all get what it learned.</summary>
    /// <param name="training">not of length 1 // [N, F]</param>
    /// <param name="device">where it is computed and applied</param>
    /// <exception cref="EvaluationException">One feature is not finite, or they are too many for one table.</exception>
    public static Whitening Learn(SharedRows training, Device device)
    {
        ArgumentNullException.ThrowIfNull(training);
        var group = training.Group;
        using var scope = NewDisposeScope();
        using var learned = training.OnFirst() is { } values ? Learn(tensor(values, training.Count, training.Dim).to(device)) : null;
        var mean = learned?._mean.cpu() ?? empty(training.Dim);
        var matrix = learned?._matrix.cpu() ?? empty(training.Dim, training.Dim);
        group.Broadcast(mean);
        group.Broadcast(matrix);
        return new Whitening(mean.to(device, copy: true).DetachFromDisposeScope(), matrix.to(device, copy: true).DetachFromDisposeScope());
    }

    /// <summary>Whitened features; not of length 1.</summary>
    /// <param name="features">// float32 [N, F]</param>
    /// <returns>// float32 [N, K]</returns>
    public Tensor Apply(Tensor features)
    {
        ArgumentNullException.ThrowIfNull(features);
        using var scope = NewDisposeScope();
        return (features - _mean).matmul(_matrix).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _mean.Dispose();
        _matrix.Dispose();
    }
}
