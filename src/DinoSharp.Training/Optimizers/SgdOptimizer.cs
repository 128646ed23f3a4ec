using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>Stochastic gradient descent with momentum 0.9.</summary>
internal sealed class SgdOptimizer : TrainingOptimizer
{
    private const double Momentum = 0.9;

    private readonly SGD _sgd;
    private readonly SGD.Options[] _options;

    public SgdOptimizer(ParameterGroups groups)
        : base(groups)
    {
        _options =
        [
            .. groups.Groups.Select(_ => new SGD.Options
            {
                momentum = Momentum,
                dampening = 0,
                nesterov = false,
                maximize = false,
                weight_decay = 0,
            }),
        ];

        // The rate given here is replaced before each step; torch refuses to start without one.
        _sgd = optim.SGD(
            [.. groups.Groups.Zip(_options, (g, o) => new SGD.ParamGroup(g.Parameters.Select(p => p.Parameter), o))], learningRate: 0.1);
        States = [.. _sgd.state_dict().State.Cast<SGD.State>().Zip(groups.All, (s, p) => new SgdState(s, p.Parameter))];
    }

    public override IReadOnlyList<IParameterState> States { get; }

    public override IReadOnlyList<(string Name, object? Value)> PyTorchSettings { get; } =
        [("momentum", Momentum), ("dampening", 0.0), ("nesterov", false)];

    public override void Step(double learningRate, double weightDecay)
    {
        foreach (var (group, options) in Groups.Groups.Zip(_options))
        {
            options.weight_decay = group.Decayed ? weightDecay : 0;
            options.LearningRate = learningRate * group.RateScale;
        }

        using var scope = NewDisposeScope();
        _sgd.step();
    }

    public override void Dispose() => _sgd.Dispose();

    private sealed class SgdState : IParameterState
    {
        public SgdState(SGD.State state, Parameter parameter)
        {
            // Torch makes the buffer in the first step, as a copy of the gradient; starting from zero gives the same values.
            state.momentum_buffer ??= zeros_like(parameter).DetachFromDisposeScope();
            Tensors = [("momentum_buffer", state.momentum_buffer)];
        }

        public IReadOnlyList<(string Name, Tensor Tensor)> Tensors { get; }

        public long? StepCount
        {
            get => null;
            set { }
        }
    }
}
