using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>AdamW (arXiv 1711.05101) with torch's defaults: β 0.9 and 0.999, ε 1e-8.</summary>
internal sealed class AdamWOptimizer : TrainingOptimizer
{
    /// <summary>Numbers that one thread moves at a time: what is read and written of them stays in its cache.</summary>
    private const int Share = 1 << 15;

    private readonly MovedParameter[] _moved;

    public AdamWOptimizer(ParameterGroups groups)
        : base(groups)
    {
        _moved = [.. groups.All.Select(p => new MovedParameter(p.Parameter))];
        States = _moved;
    }

    public override IReadOnlyList<IParameterState> States { get; }

    public override IReadOnlyList<(string Name, object? Value)> PyTorchSettings { get; } =
        [("betas", new object?[] { AdamWStep.Beta1, AdamWStep.Beta2 }), ("eps", AdamWStep.Epsilon), ("amsgrad", false)];

    public override void Step(double learningRate, double weightDecay)
    {
        using var noGradients = no_grad();
        using var scope = NewDisposeScope();
        List<(MovedParameter Moved, Tensor Gradient, AdamWStep Step, int First)> shares = [];
        var moved = _moved.AsEnumerable().GetEnumerator();
        foreach (var group in Groups.Groups)
        {
            for (int i = 0; i < group.Parameters.Count && moved.MoveNext(); i++)
            {
                if (moved.Current.Parameter.grad is not { } gradient)
                {
                    continue;
                }

                var step = new AdamWStep(learningRate * group.RateScale, group.Decayed ? weightDecay : 0, moved.Current.Count());
                if (moved.Current.InMemory)
                {
                    gradient = gradient.contiguous();
                    for (long first = 0; first < gradient.numel(); first += Share)
                    {
                        shares.Add((moved.Current, gradient, step, (int)first));
                    }
                }
                else
                {
                    step.Move(moved.Current.Parameter, gradient, moved.Current.Mean, moved.Current.Square);
                }
            }
        }

        Parallel.For(0, shares.Count, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() }, index =>
        {
            var (moved, gradient, step, first) = shares[index];
            step.Move(
                Part(moved.Parameter, first), Part(gradient, first), Part(moved.Mean, first), Part(moved.Square, first));
        });
    }

    public override void Dispose()
    {
        foreach (var moved in _moved)
        {
            moved.Mean.Dispose();
            moved.Square.Dispose();
        }
    }

    private static Span<float> Part(Tensor tensor, int first)
    {
        var all = MemoryMarshal.Cast<byte, float>(tensor.bytes);
        return all.Slice(first, Math.Min(Share, all.Length - first));
    }

    /// <summary>A parameter and what is remembered of its gradients.</summary>
    private sealed class MovedParameter(Parameter parameter) : IParameterState
    {
        public Parameter Parameter => parameter;

        /// <summary>The gradients' moving mean.</summary>
        public Tensor Mean { get; } = zeros_like(parameter).DetachFromDisposeScope();

        /// <summary>The moving mean of their squares.</summary>
        public Tensor Square { get; } = zeros_like(parameter).DetachFromDisposeScope();

        /// <summary>Whether its numbers can be read and written where they lie.</summary>
        public bool InMemory =>
            parameter.device_type == DeviceType.CPU && parameter.dtype == ScalarType.Float32 && parameter.is_contiguous() &&
            parameter.numel() <= int.MaxValue / sizeof(float);

        public IReadOnlyList<(string Name, Tensor Tensor)> Tensors => [("exp_avg", Mean), ("exp_avg_sq", Square)];

        public long? StepCount { get; set; } = 0;

        public long Count() => (StepCount = (StepCount ?? 0) + 1).Value;
    }
}
