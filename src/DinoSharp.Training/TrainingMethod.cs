using DinoSharp.Models.Backbones;
using DinoSharp.Training.Optimizers;
using static TorchSharp.torch;

namespace DinoSharp.Training;

/// <summary>
/// A way to learn from images: what trains, the loss of one step, and what happens around it. It holds no loop; the
/// <see cref="Trainer"/> has the only one. Everything it remembers between steps is in <see cref="State"/>.
/// </summary>
public abstract class TrainingMethod : IDisposable
{
    /// <summary>The network that gradients move.</summary>
    public abstract nn.Module Trained { get; }

    /// <summary>How the optimizer treats what trains.</summary>
    public virtual ParameterGroups Groups => ParameterGroups.Of(Trained);

    /// <summary>The network to evaluate and use.</summary>
    public abstract Backbone Backbone { get; }

    /// <summary>All that must be saved for an exact resumption. The tensors are live: loading copies into them.</summary>
    public abstract IReadOnlyList<StateSection> State { get; }

    /// <summary>
    /// What beside settings and images decides what is computed, such as the weights of a teacher: a name and a fingerprint each, which are
    /// part of what makes a run this run.
    /// </summary>
    public virtual IReadOnlyList<(string Name, string Fingerprint)> Inputs => [];

    /// <summary>What a checkpoint says of the network to use beside its tensors, such as the names of its classes.</summary>
    public virtual IReadOnlyDictionary<string, object?> Arguments => new Dictionary<string, object?>();

    /// <summary>The fewest images a step can be made of: of one alone batch norm has no variance.</summary>
    public virtual int LeastImages => 2;

    /// <summary>Called before the first step of each epoch, not when an epoch is resumed in its middle.</summary>
    /// <param name="epoch">from 0</param>
    /// <param name="batches">those of the epoch, for a method that looks through the images first; nothing is loaded unless it does</param>
    public virtual void BeginEpoch(int epoch, IEnumerable<TrainingBatch> batches)
    {
    }

    /// <summary>The loss of one batch, or of one part of it where gradients are accumulated.</summary>
    /// <param name="batch">views of the images</param>
    /// <param name="step">where the training stands</param>
    /// <returns>mean over the images // []</returns>
    public abstract Tensor Loss(TrainingBatch batch, TrainingStep step);

    /// <summary>Called with all gradients in place and clipped.</summary>
    public virtual void BeforeOptimizerStep(TrainingStep step)
    {
    }

    /// <summary>Called once an optimizer step, after the parameters have moved.</summary>
    public virtual void AfterOptimizerStep(TrainingStep step)
    {
    }

    /// <summary>Called instead of the optimizer step where loss or gradients are not finite: forgets what the losses of the step left.</summary>
    public virtual void AbandonStep()
    {
    }

    /// <summary>What the method has to say of the steps since the last call: names and means.</summary>
    public abstract IReadOnlyList<(string Name, double Value)> TakeMetrics();

    /// <summary>What is wrong with the learning and what helps, in one line; null while nothing is.</summary>
    /// <param name="metrics">as <see cref="TakeMetrics"/> gave them</param>
    /// <param name="step">the last one they are of</param>
    public virtual string? Diagnose(IReadOnlyList<(string Name, double Value)> metrics, TrainingStep step) => null;

    public abstract void Dispose();
}

/// <summary>A named part of a method's state, as it stands in a checkpoint.</summary>
/// <param name="Name">key in the checkpoint, e.g. student</param>
/// <param name="Prefix">what the reference writes before each tensor's name, e.g. module.</param>
/// <param name="Tensors">live tensors by name</param>
public sealed record StateSection(string Name, string Prefix, IReadOnlyList<(string Name, Tensor Tensor)> Tensors)
{
    /// <summary>Parameters and buffers of a network.</summary>
    public static StateSection Of(string name, nn.Module network, string prefix = "") =>
        new(name, prefix, [.. network.state_dict().Select(entry => (entry.Key, entry.Value))]);
}
