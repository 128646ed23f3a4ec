using DinoSharp.Distributed;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>Gradients on their way to the other processes, and back as a mean: taken from their parameters, they lie one after the other.</summary>
internal sealed class GradientBucket : IDisposable
{
    private readonly int _processes;
    private readonly Tensor _values; // [gradients, numbers]
    private readonly List<(Parameter Parameter, Tensor Gradient)> _parts = [];
    private readonly Tensor? _numbers;
    private readonly PendingSum _sum;

    /// <param name="group">the processes</param>
    /// <param name="parameters">with a gradient each, which is taken</param>
    /// <param name="numbers">numbers that travel along, on the parameters' device; null for none</param>
    public GradientBucket(ProcessGroup group, IReadOnlyList<Parameter> parameters, Tensor? numbers)
    {
        using var scope = NewDisposeScope();
        (_processes, _numbers) = (group.Size, numbers);
        long first = 0, gradients = parameters.Sum(p => p.numel());
        _values = empty(gradients + (numbers?.numel() ?? 0), device: numbers?.device ?? parameters[0].device).DetachFromDisposeScope();
        foreach (var parameter in parameters)
        {
            var gradient = parameter.grad!;
            var part = _values.narrow(0, first, gradient.numel()).view(gradient.shape).DetachFromDisposeScope();
            part.copy_(gradient);
            parameter.grad = null;
            gradient.Dispose(); // so that its memory can be had for the next
            _parts.Add((parameter, part));
            first += part.numel();
        }

        if (numbers is not null)
        {
            _values.narrow(0, first, numbers.numel()).copy_(numbers);
        }

        _sum = group.BeginSum(_values);
    }

    /// <summary>Waits, and gives parameters and numbers the means; what came to a parameter meanwhile is added.</summary>
    public void Return()
    {
        using var scope = NewDisposeScope();
        _sum.Wait();
        _values.div_(_processes);
        foreach (var (parameter, mean) in _parts)
        {
            if (parameter.grad is { } more)
            {
                mean.add_(more);
            }

            parameter.grad = mean;
        }

        _numbers?.copy_(_values.narrow(0, _values.numel() - _numbers.numel(), _numbers.numel()));
    }

    public void Dispose()
    {
        _values.Dispose();
        _parts.ForEach(part => part.Gradient.Dispose());
    }
}
