using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Models.Heads;

/// <summary>A linear layer from features to classes.</summary>
public static class LinearClassifier
{
    /// <summary>Deviation of the weights on frozen features, as the reference starts them.</summary>
    public const double ProbeDeviation = 0.01;

    /// <summary>Deviation of the weights where the whole network trains (arXiv 2012.12877).</summary>
    public const double FineTuningDeviation = 0.02;

    /// <summary>A layer with normal weights and no bias to start from.</summary>
    /// <param name="inputDim">length D of a feature</param>
    /// <param name="classes">classes C</param>
    /// <param name="deviation">of the weights</param>
    public static Linear Create(int inputDim, int classes, double deviation)
    {
        var linear = nn.Linear(inputDim, classes);
        nn.init.normal_(linear.weight!, std: deviation);
        nn.init.zeros_(linear.bias!);
        return linear;
    }
}
