using DinoSharp.Distributed;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>
/// The mean of gradients over the processes that share a batch. All of them travel in few large buckets, for each exchange costs a latency,
/// and the step's numbers along with the last.
/// </summary>
internal sealed class GradientAverage : IDisposable
{
    /// <summary>Numbers of a bucket: 32 MiB in float32.</summary>
    private const long BucketSize = 8 << 20;

    private readonly ProcessGroup _group;
    private readonly IReadOnlyList<Parameter> _parameters;
    private readonly Tensor _bucket; // [at most BucketSize, or the largest gradient, and the numbers]

    /// <param name="group">processes that call it with the same parameters, step by step</param>
    /// <param name="parameters">those without a gradient are passed over; they must be the same on all processes</param>
    /// <param name="numbers">numbers that travel along</param>
    public GradientAverage(ProcessGroup group, IReadOnlyList<Parameter> parameters, int numbers)
    {
        (_group, _parameters) = (group, parameters);
        long largest = parameters.Max(p => p.numel()), all = parameters.Sum(p => p.numel());
        _bucket = empty(Math.Max(Math.Min(all, BucketSize), largest) + numbers, device: parameters[0].device).DetachFromDisposeScope();
    }

    /// <summary>Replaces gradients and numbers by their means over the processes.</summary>
    public void Average(Span<float> numbers)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        List<Tensor> waiting = [];
        long filled = 0;
        foreach (var gradient in _parameters.Select(p => p.grad).OfType<Tensor>())
        {
            if (filled + gradient.numel() + numbers.Length > _bucket.numel())
            {
                Exchange(waiting, filled);
                (waiting, filled) = ([], 0);
            }

            _bucket.narrow(0, filled, gradient.numel()).copy_(gradient.flatten());
            waiting.Add(gradient);
            filled += gradient.numel();
        }

        var tail = _bucket.narrow(0, filled, numbers.Length);
        tail.copy_(tensor(numbers.ToArray()));
        Exchange(waiting, filled + numbers.Length);
        tail.cpu().data<float>().CopyTo(numbers);
    }

    public void Dispose() => _bucket.Dispose();

    private void Exchange(List<Tensor> gradients, long filled)
    {
        var values = _bucket.narrow(0, 0, filled);
        _group.Sum(values);
        values.div_(_group.Size);
        long first = 0;
        foreach (var gradient in gradients)
        {
            gradient.copy_(values.narrow(0, first, gradient.numel()).view(gradient.shape));
            first += gradient.numel();
        }
    }
}
