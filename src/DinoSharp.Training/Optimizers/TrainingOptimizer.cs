using static TorchSharp.torch;

namespace DinoSharp.Training.Optimizers;

/// <summary>
/// An optimizer over groups of parameters whose learning rate and weight decay are set anew before each step, and whose state
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

    /// <exception cref="ArgumentException">There is nothing to move: a module's parameters are not registered.</exception>
    public static TrainingOptimizer Create(OptimizerKind kind, ParameterGroups groups) => kind switch
    {
        _ when !groups.All.Any() => throw new ArgumentException("no parameter trains"),
        OptimizerKind.AdamW => new AdamWOptimizer(groups),
        OptimizerKind.Sgd => new SgdOptimizer(groups),
        OptimizerKind.Lars => new LarsOptimizer(groups),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>Moves every parameter that has a gradient; the others and their state stay as they are.</summary>
    /// <param name="learningRate">each group multiplies it by its own factor</param>
    /// <param name="weightDecay">for the decayed groups; the others have none</param>
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
