using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DinoSharp.Models.Heads;

/// <summary>Makes the heads of <see cref="MlpHeadOptions"/>, with torch's own starting values.</summary>
public static class MlpHead
{
    /// <summary>A new head // [B, inputDim] to [B, OutputDim]</summary>
    /// <param name="inputDim">length of a feature</param>
    /// <param name="options">shape of the head</param>
    public static Sequential Create(int inputDim, MlpHeadOptions options)
    {
        options.Validated();
        var layers = new List<nn.Module<Tensor, Tensor>>();
        int width = inputDim;
        for (int i = 1; i < options.Layers; i++)
        {
            // A bias before batch norm does nothing.
            layers.Add(nn.Linear(width, options.HiddenDim, hasBias: !options.BatchNorm));
            if (options.BatchNorm)
            {
                layers.Add(nn.BatchNorm1d(options.HiddenDim));
            }

            layers.Add(nn.ReLU());
            width = options.HiddenDim;
        }

        layers.Add(nn.Linear(width, options.OutputDim, hasBias: options.FinalBias && !options.NormalizedOutput));
        if (options.NormalizedOutput)
        {
            layers.Add(nn.BatchNorm1d(options.OutputDim, affine: false));
        }

        return nn.Sequential(layers);
    }
}
