using DinoSharp.Distributed;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models;

/// <summary>
/// Batch norm over the channels of rows or maps (arXiv 1502.03167) with torch's defaults. Where processes share a batch, mean and variance are
/// those of all of it, and gradients flow through them as if it were in one place.
/// </summary>
public sealed class BatchNorm : nn.Module<Tensor, Tensor>, IBatchSharer
{
    private const double Epsilon = 1e-5;
    private const double Momentum = 0.1;

    [ComponentName(Name = "weight")]
    private readonly Parameter? _weight; // [C]
    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias; // [C]
    [ComponentName(Name = "running_mean")]
    private readonly Tensor _runningMean; // [C]
    [ComponentName(Name = "running_var")]
    private readonly Tensor _runningVariance; // [C]
    [ComponentName(Name = "num_batches_tracked")]
    private readonly Tensor _batches; // int64 []

    private BatchShare? _share;

    /// <param name="channels">C</param>
    /// <param name="affine">whether each channel has a weight and a bias</param>
    /// <param name="weight">where each channel's begins</param>
    public BatchNorm(long channels, bool affine = true, double weight = 1)
        : base(nameof(BatchNorm))
    {
        if (affine)
        {
            (_weight, _bias) = (new Parameter(full(channels, weight)), new Parameter(zeros(channels)));
        }

        (_runningMean, _runningVariance) = (zeros(channels), ones(channels));
        _batches = zeros([], ScalarType.Int64);
        RegisterComponents();
    }

    BatchShare? IBatchSharer.Share
    {
        set => _share = value;
    }

    /// <param name="input">// [B, C] or [B, C, H, W]</param>
    /// <returns>the same shape</returns>
    public override Tensor forward(Tensor input)
    {
        if (training)
        {
            using var noGradients = no_grad();
            _batches.add_(1);
        }

        return training && _share is { } share
            ? NormalizeShared(input, share.Group)
            : nn.functional.batch_norm(input, _runningMean, _runningVariance, _weight, _bias, training, Momentum, Epsilon);
    }

    private Tensor NormalizeShared(Tensor input, ProcessGroup group)
    {
        using var scope = NewDisposeScope();
        var (mean, variance) = SharedNormalization.Statistics(group, input);
        using (no_grad())
        {
            double count = (double)input.numel() / input.size(1) * group.Size;
            _runningMean.mul_(1 - Momentum).add_(mean, alpha: Momentum);
            _runningVariance.mul_(1 - Momentum).add_(variance * (count / (count - 1)), alpha: Momentum);
        }

        var unit = SharedNormalization.Of(group, input, mean, variance, Epsilon);
        long[] shape = [1, input.size(1), .. Enumerable.Repeat(1L, (int)input.dim() - 2)];
        return _weight is null
            ? unit.MoveToOuterDisposeScope()
            : (unit * _weight.view(shape) + _bias!.view(shape)).to(input.dtype).MoveToOuterDisposeScope();
    }
}
