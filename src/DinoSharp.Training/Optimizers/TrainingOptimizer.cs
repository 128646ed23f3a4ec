using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>
/// An optimizer over the two parameter groups whose learning rate and weight decay are set anew before each step, and whose state
/// is laid out as PyTorch's.
/// </summary>
public abstract class TrainingOptimizer(ParameterGroups groups) : IDisposable
{
    /// <summary>The parameters it moves.</summary>
    public ParameterGroups Groups { get; } = groups;

    /// <summary>What is remembered of each parameter, in the order of <see cref="ParameterGroups.All"/>.</summary>
    public abstract IReadOnlyList<IParameterState> States { get; }

    /// <summary>What PyTorch's optimizer of this kind writes into each parameter group beside learning rate and weight decay.</summary>
    public abstract IReadOnlyList<(string Name, object? Value)> PyTorchSettings { get; }

    public static TrainingOptimizer Create(OptimizerKind kind, ParameterGroups groups) => kind switch
    {
        OptimizerKind.AdamW => new AdamWOptimizer(groups),
        OptimizerKind.Sgd => new SgdOptimizer(groups),
        OptimizerKind.Lars => new LarsOptimizer(groups),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>Moves every parameter that has a gradient; the others and their state stay as they are.</summary>
    /// <param name="learningRate">for both groups</param>
    /// <param name="weightDecay">for the decayed group; the other has none</param>
    public abstract void Step(double learningRate, double weightDecay);

    /// <summary>Drops all gradients, so that a parameter that gets none next time is passed over.</summary>
    public void ClearGradients()
    {
        foreach (var (_, parameter) in Groups.All)
        {
            parameter.grad?.Dispose();
            parameter.grad = null;
        }
    }

    public abstract void Dispose();
}
