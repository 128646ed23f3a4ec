using System.Numerics;
using DinoSharp.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>
/// Image to patch tokens by 3x3 convolutions with stride 2, each with a batch norm, and GELU between them; each doubles the channels and halves
/// the sides, rounding up. Patches of 16 take four of them, patches of 8 three (arXiv 2106.09681, section 3.3).
/// </summary>
internal sealed class XcitPatchEmbedding : nn.Module
{
    [ComponentName(Name = "proj")]
    private readonly Sequential _projection;

    public XcitPatchEmbedding(XcitOptions options)
        : base(nameof(XcitPatchEmbedding))
    {
        int count = BitOperations.Log2((uint)options.PatchSize);
        var layers = new List<nn.Module<Tensor, Tensor>>();
        int inputDim = options.InputChannels;
        for (int i = 1; i <= count; i++)
        {
            int outputDim = options.EmbedDim >> (count - i);
            layers.Add(nn.Sequential(
                new ConvolutionLayer(inputDim, outputDim, 3, stride: 2, padding: 1, hasBias: false), new BatchNorm(outputDim)));
            if (i < count)
            {
                layers.Add(nn.GELU());
            }

            inputDim = outputDim;
        }

        _projection = nn.Sequential(layers);
        RegisterComponents();
    }

    /// <param name="images">// [B, C, H, W]</param>
    /// <returns>// [B, D, H/patch, W/patch], rounded up</returns>
    public Tensor Forward(Tensor images) => _projection.forward(images);
}
