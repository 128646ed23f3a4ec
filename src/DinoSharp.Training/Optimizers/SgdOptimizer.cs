using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>Stochastic gradient descent with momentum 0.9.</summary>
internal sealed class SgdOptimizer : TrainingOptimizer
{
    private const double Momentum = 0.9;

    private readonly SGD _sgd;
    private readonly SGD.Options _decayed = new() { momentum = Momentum, dampening = 0, nesterov = false, maximize = false };
    private readonly SGD.Options _undecayed =
        new() { momentum = Momentum, dampening = 0, nesterov = false, maximize = false, weight_decay = 0 };

    public SgdOptimizer(ParameterGroups groups)
        : base(groups)
    {
        // The rate given here is replaced before each step; torch refuses to start without one.
        _sgd = optim.SGD(
            [
                new SGD.ParamGroup(groups.Decayed.Select(p => p.Parameter), _decayed),
                new SGD.ParamGroup(groups.Undecayed.Select(p => p.Parameter), _undecayed),
            ],
            learningRate: 0.1);
        States = [.. _sgd.state_dict().State.Cast<SGD.State>().Zip(groups.All, (s, p) => new SgdState(s, p.Parameter))];
    }

    public override IReadOnlyList<IParameterState> States { get; }

    public override IReadOnlyList<(string Name, object? Value)> PyTorchSettings { get; } =
        [("momentum", Momentum), ("dampening", 0.0), ("nesterov", false)];

    public override void Step(double learningRate, double weightDecay)
    {
        _decayed.weight_decay = weightDecay;
        _decayed.LearningRate = _undecayed.LearningRate = learningRate;
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
