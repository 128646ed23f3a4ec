using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>
/// Layer-wise adaptive rate scaling (arXiv 1708.03888) as the reference has it: parameters of one dimension are neither decayed nor
/// adapted.
/// </summary>
internal sealed class LarsOptimizer : TrainingOptimizer
{
    private const double Momentum = 0.9;
    private const double TrustCoefficient = 0.001;

    public LarsOptimizer(ParameterGroups groups)
        : base(groups)
    {
        States = [.. groups.All.Select(p => new LarsState(zeros_like(p.Parameter).DetachFromDisposeScope()))];
    }

    public override IReadOnlyList<IParameterState> States { get; }

    public override IReadOnlyList<(string Name, object? Value)> PyTorchSettings { get; } = [("momentum", Momentum), ("eta", TrustCoefficient)];

    public override void Step(double learningRate, double weightDecay)
    {
        using var noGrad = no_grad();
        int index = 0;
        foreach (var (group, parameter) in Groups.Groups.SelectMany(g => g.Parameters.Select(p => (g, p.Parameter))))
        {
            var momentum = States[index].Tensors[0].Tensor;
            if (parameter.grad is { } gradient)
            {
                using var scope = NewDisposeScope();
                double decay = group.Decayed ? weightDecay : 0;
                momentum.mul_(Momentum).add_(parameter.dim() == 1 ? gradient : Adapted(parameter, gradient, decay));
                parameter.add_(momentum, alpha: -learningRate * group.RateScale);
            }

            index++;
        }
    }

    public override void Dispose()
    {
        foreach (var state in States)
        {
            state.Tensors[0].Tensor.Dispose();
        }
    }

    /// <summary>The decayed gradient, scaled by η ‖w‖ / ‖g‖ where both norms are above 0.</summary>
    private static Tensor Adapted(Parameter parameter, Tensor gradient, double weightDecay)
    {
        var update = gradient.add(parameter, alpha: weightDecay);
        var (weightNorm, updateNorm) = (parameter.norm(), update.norm());
        var trust = where(weightNorm.gt(0).logical_and(updateNorm.gt(0)), weightNorm * TrustCoefficient / updateNorm, ones_like(weightNorm));
        return update * trust;
    }

    private sealed class LarsState(Tensor momentum) : IParameterState
    {
        public IReadOnlyList<(string Name, Tensor Tensor)> Tensors { get; } = [("mu", momentum)];

        public long? StepCount
        {
            get => null;
            set { }
        }
    }
}
