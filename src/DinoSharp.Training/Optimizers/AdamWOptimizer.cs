using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>AdamW (arXiv 1711.05101) with torch's defaults: β 0.9 and 0.999, ε 1e-8.</summary>
internal sealed class AdamWOptimizer : TrainingOptimizer
{
    private readonly AdamW _adamW;
    private readonly AdamW.Options[] _options;

    public AdamWOptimizer(ParameterGroups groups)
        : base(groups)
    {
        _options = [.. groups.Groups.Select(_ => new AdamW.Options { beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0 })];
        _adamW = optim.AdamW([.. groups.Groups.Zip(_options, (g, o) => new AdamW.ParamGroup(g.Parameters.Select(p => p.Parameter), o))]);
        States = [.. _adamW.state_dict().State.Cast<AdamW.State>().Select(s => new AdamWState(s))];
    }

    public override IReadOnlyList<IParameterState> States { get; }

    public override IReadOnlyList<(string Name, object? Value)> PyTorchSettings { get; } =
        [("betas", new object?[] { 0.9, 0.999 }), ("eps", 1e-8), ("amsgrad", false)];

    public override void Step(double learningRate, double weightDecay)
    {
        foreach (var (group, options) in Groups.Groups.Zip(_options))
        {
            options.weight_decay = group.Decayed ? weightDecay : 0;
            options.LearningRate = learningRate * group.RateScale;
        }

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
