using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Methods.InstanceClassification;

/// <summary>How an output is compared with the weights of a class.</summary>
public enum InstanceSimilarity
{
    /// <summary>By the angle between them, over a temperature (arXiv 2006.14618, section 3.1).</summary>
    Cosine,

    /// <summary>By their inner product, as a linear classifier has it (arXiv 1406.6909).</summary>
    Linear,
}

/// <summary>A class for each image: one row of weights an image.</summary>
internal sealed class InstanceClassifier : nn.Module<Tensor, Tensor>
{
    /// <summary>Deviation of the weights at the start.</summary>
    private const double Deviation = 0.01;

    private readonly InstanceSimilarity _similarity;
    private readonly double _temperature;

    // Named as in PyTorch's linear layer.
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight; // [N, D]

    /// <param name="images">classes N</param>
    /// <param name="dim">length D of an output</param>
    /// <param name="similarity">how both are compared</param>
    /// <param name="temperature">of the cosine</param>
    public InstanceClassifier(long images, long dim, InstanceSimilarity similarity, double temperature)
        : base(nameof(InstanceClassifier))
    {
        (_similarity, _temperature) = (similarity, temperature);
        _weight = nn.Parameter(empty(images, dim));
        nn.init.normal_(_weight, 0, Deviation);
        RegisterComponents();
    }

    /// <param name="outputs">// [B, D]</param>
    /// <returns>// [B, N]</returns>
    public override Tensor forward(Tensor outputs)
    {
        using var scope = NewDisposeScope();
        var logits = _similarity == InstanceSimilarity.Linear
            ? outputs.matmul(_weight.t())
            : nn.functional.normalize(outputs, dim: 1).div(_temperature).matmul(nn.functional.normalize(_weight, dim: 1).t());
        return logits.MoveToOuterDisposeScope();
    }
}
