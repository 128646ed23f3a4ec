using System.Runtime.ExceptionServices;
using DinoSharp.Distributed;
using DinoSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>
/// The mean of gradients over the processes that share a batch. They travel in few large buckets, for each exchange costs a latency, and those
/// that are complete travel while the backward pass computes others. A gradient under way is no longer its parameter's: should more of it come
/// from the backward pass, that travels in the last buckets and is added. So the mean is right whatever is sent early, as long as all processes
/// send the same.
/// </summary>
/// <param name="group">processes that call it with the same parameters, step by step</param>
/// <param name="parameters">those without a gradient are passed over; they must be the same on all processes</param>
internal sealed class GradientAverage(ProcessGroup group, IReadOnlyList<Parameter> parameters)
{
    /// <summary>Numbers that make a bucket: 4 MiB in float32.</summary>
    private const long BucketSize = 1 << 20;

    private readonly HashSet<Parameter> _trained = new(parameters, ReferenceEqualityComparer.Instance);
    private readonly List<Parameter> _waiting = [];
    private readonly List<GradientBucket> _underWay = [];
    private ExceptionDispatchInfo? _failure;

    /// <summary>Sends gradients as soon as they are complete, until what is returned is disposed: for the last backward pass of a step.</summary>
    public IDisposable SendEarly() => GradientMilestones.Tell(module =>
    {
        try
        {
            if (_failure is null)
            {
                Send(module.parameters().Where(_trained.Contains));
            }
        }
        catch (Exception error) // that torch would not pass on
        {
            _failure = ExceptionDispatchInfo.Capture(error);
        }
    });

    /// <summary>Replaces gradients and numbers by their means over the processes; nothing leaves the device.</summary>
    /// <param name="numbers">on the parameters' device // [numbers]</param>
    public void Average(Tensor numbers)
    {
        _failure?.Throw();
        _waiting.Clear();
        Send(parameters);
        Begin(numbers);
        foreach (var bucket in _underWay)
        {
            bucket.Return();
            bucket.Dispose();
        }

        _underWay.Clear();
    }

    private void Send(IEnumerable<Parameter> complete)
    {
        foreach (var parameter in complete)
        {
            using var gradient = parameter.grad;
            if (gradient is not null)
            {
                _waiting.Add(parameter);
                if (_waiting.Sum(p => p.numel()) >= BucketSize)
                {
                    Begin(numbers: null);
                }
            }
        }
    }

    private void Begin(Tensor? numbers)
    {
        using var noGradients = no_grad();
        _underWay.Add(new GradientBucket(group, _waiting, numbers));
        _waiting.Clear();
    }
}
