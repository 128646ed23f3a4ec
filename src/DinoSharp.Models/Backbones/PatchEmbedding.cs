using DinoSharp.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace DinoSharp.Models.Backbones;

/// <summary>Image to patch tokens: a convolution whose kernel and stride are one patch. Pixels past the last whole patch are left out.</summary>
internal sealed class PatchEmbedding : nn.Module
{
    [ComponentName(Name = "proj")]
    private readonly ConvolutionLayer _projection;

    public PatchEmbedding(int channels, int embedDim, int patchSize)
        : base(nameof(PatchEmbedding))
    {
        _projection = new ConvolutionLayer(channels, embedDim, patchSize, stride: patchSize);
        RegisterComponents();
    }

    /// <param name="images">// [B, C, H, W]</param>
    /// <returns>// [B, N, D]</returns>
    public Tensor Forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        return _projection.forward(images).flatten(2).transpose(1, 2).MoveToOuterDisposeScope();
    }
}
