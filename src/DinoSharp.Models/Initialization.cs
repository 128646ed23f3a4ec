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

    /// <summary>A linear layer with weights from a normal of standard deviation 0.02, and zero bias.</summary>
    /// <param name="inputDim">length of an input</param>
    /// <param name="outputDim">length of an output</param>
    /// <param name="last">whether a network ends here</param>
    public static LinearLayer Linear(long inputDim, long outputDim, bool last = false)
    {
        var linear = new LinearLayer(inputDim, outputDim, last: last);
        nn.init.normal_(linear.Weight, std: LinearStd);
        nn.init.zeros_(linear.Bias!);
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
