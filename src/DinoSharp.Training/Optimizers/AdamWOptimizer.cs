using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>AdamW (arXiv 1711.05101) with torch's defaults: β 0.9 and 0.999, ε 1e-8.</summary>
internal sealed class AdamWOptimizer : TrainingOptimizer
{
    private readonly AdamW _adamW;
    private readonly AdamW.Options _decayed = new() { beta1 = 0.9, beta2 = 0.999, eps = 1e-8 };
    private readonly AdamW.Options _undecayed = new() { beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0 };

    public AdamWOptimizer(ParameterGroups groups)
        : base(groups)
    {
        _adamW = optim.AdamW([
            new AdamW.ParamGroup(groups.Decayed.Select(p => p.Parameter), _decayed),
            new AdamW.ParamGroup(groups.Undecayed.Select(p => p.Parameter), _undecayed),
        ]);
        States = [.. _adamW.state_dict().State.Cast<AdamW.State>().Select(s => new AdamWState(s))];
    }

    public override IReadOnlyList<IParameterState> States { get; }

    public override IReadOnlyList<(string Name, object? Value)> PyTorchSettings { get; } =
        [("betas", new object?[] { 0.9, 0.999 }), ("eps", 1e-8), ("amsgrad", false)];

    public override void Step(double learningRate, double weightDecay)
    {
        _decayed.weight_decay = weightDecay;
        _decayed.LearningRate = _undecayed.LearningRate = learningRate;
        using var scope = NewDisposeScope();
        _adamW.step();
    }

    public override void Dispose() => _adamW.Dispose();

    private sealed class AdamWState(AdamW.State state) : IParameterState
    {
        public IReadOnlyList<(string Name, Tensor Tensor)> Tensors { get; } =
            [("exp_avg", state.exp_avg), ("exp_avg_sq", state.exp_avg_sq)];

        public long? StepCount
        {
            get => state.step;
            set => state.step = value ?? 0;
        }
    }
}
