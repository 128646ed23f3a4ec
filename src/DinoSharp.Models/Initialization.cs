using DinoSharp.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Models;

/// <summary>
/// Starting values of layers, as the reference sets them. Its truncated normal is cut at ±2 while the deviation is 0.02, which is a
/// normal for all practical purposes. (TorchSharp's own trunc_normal_ fills with a constant.)
/// </summary>
internal static class Initialization
{
    private const double LinearStd = 0.02;

    /// <summary>A linear layer of a backbone, with weights from a normal of standard deviation 0.02, and zero bias.</summary>
    public static LinearLayer Layer(long inputDim, long outputDim)
    {
        var layer = new LinearLayer(inputDim, outputDim);
        nn.init.normal_(layer.Weight, std: LinearStd);
        nn.init.zeros_(layer.Bias);
        return layer;
    }

    /// <summary>The same for a head, which computes in float32 always.</summary>
    public static Linear Linear(long inputDim, long outputDim)
    {
        var linear = nn.Linear(inputDim, outputDim);
        nn.init.normal_(linear.weight!, std: LinearStd);
        nn.init.zeros_(linear.bias!);
        return linear;
    }

    /// <summary>A parameter with values from the same distribution as <see cref="Linear"/>'s weights.</summary>
    public static Parameter Embedding(params long[] shape)
    {
        var values = zeros(shape);
        nn.init.normal_(values, std: LinearStd);
        return new Parameter(values);
    }
}
